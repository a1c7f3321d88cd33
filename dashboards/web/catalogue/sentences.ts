/** Sentences of the server in another language: each is recognised by its form; what is not recognised stays as it is. */

/** What a sentence holds, by name; a zone comes with its label, a number with a decimal comma. */
export type Held = Readonly<Record<string, string>>;
export interface Saying {
  /** Anchored by the reader, not here. */
  readonly form: string;
  readonly german: (held: Held) => string;
}

const compiled = new Map<string, RegExp>();
const sticky = (form: string): RegExp => {
  let found = compiled.get(form);
  if (found === undefined) {
    found = new RegExp(form, "y");
    compiled.set(form, found);
  }
  return found;
};

/** Reads a text from its beginning, piece by piece. */
export class Reader {
  at = 0;
  constructor(
    private readonly text: string,
    private readonly label: (zone: string) => string,
  ) {}

  /** German for the first of the forms that stands here, after which reading goes on; null: none does. */
  take(sayings: readonly Saying[]): string | null {
    for (const { form, german } of sayings) {
      const expression = sticky(form);
      expression.lastIndex = this.at;
      const match = expression.exec(this.text);
      if (match === null) continue;
      this.at = expression.lastIndex;
      return german(this.held(match.groups ?? {}));
    }
    return null;
  }

  skip(literal: string): boolean {
    if (!this.text.startsWith(literal, this.at)) return false;
    this.at += literal.length;
    return true;
  }

  private held(groups: Readonly<Record<string, string | undefined>>): Held {
    const held: Record<string, string> = {};
    for (const [name, value] of Object.entries(groups))
      if (value !== undefined)
        held[name] = name === "zone" ? this.label(value) : /^-?\d+\.\d+$/.test(value) ? value.replace(".", ",") : value;
    return held;
  }
}

/** The text in the language of the sayings that `known` takes from the reader; sentences that it does not know as they are. */
export const sentenceBySentence = (text: string, label: (zone: string) => string, known: (reader: Reader) => string | null): string => {
  const reader = new Reader(text, label);
  const found: string[] = [];
  while (reader.at < text.length) {
    const said = known(reader);
    if (said !== null) found.push(said);
    else {
      // To the end of this sentence: a full stop before a capital letter.
      const end = text.slice(reader.at).search(/\. (?=\p{Lu})/u);
      const until = end < 0 ? text.length : reader.at + end + 1;
      found.push(text.slice(reader.at, until));
      reader.at = until;
    }
    while (reader.skip(" "));
  }
  return found.join(" ");
};
