/** The parser ran out of text: what is there so far could still become JSON. */
const isUnfinished = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch (error) {
    const { message } = error as Error;
    const position = /at position (\d+)/.exec(message);
    return /end of JSON input|Unterminated string/.test(message) || (position !== null && Number(position[1]) >= text.trimEnd().length);
  }
};

/** Line (1-based) on which text stops being JSON: the first line whose end leaves nothing that could still become JSON; the last one where it is cut short. */
export const jsonFaultLine = (text: string): number => {
  const lines = text.trimEnd().split("\n");
  let good = 0;
  let bad = lines.length;
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    if (isUnfinished(lines.slice(0, middle).join("\n"))) good = middle;
    else bad = middle;
  }
  return bad;
};
