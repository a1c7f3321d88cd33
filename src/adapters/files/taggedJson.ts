import { IsothermError } from "#domain/errors";

/** What JSON has no words for: maps, typed arrays and numbers that are not finite, each as an object with one key that begins with $. */
const encodeValue = (value: unknown): unknown => {
  if (value instanceof Float64Array) return { $f64: Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString("base64") };
  if (value instanceof Uint8Array) return { $u8: Buffer.from(value).toString("base64") };
  if (value instanceof Map) return { $map: [...value].map(([key, entry]) => [key, encodeValue(entry)]) };
  if (Array.isArray(value)) return value.map(encodeValue);
  if (typeof value === "number" && !Number.isFinite(value)) return { $number: String(value) };
  if (typeof value === "object" && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, encodeValue(entry)]));
  return value;
};

/** JSON text of plain data that may hold `Map`, `Float64Array`, `Uint8Array`, NaN and infinities, all exact; `fromTaggedJson` brings them back. */
export const toTaggedJson = (value: unknown): string => JSON.stringify(encodeValue(value));

const decodeValue = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(decodeValue);
  if (typeof value !== "object" || value === null) return value;
  const entries: readonly (readonly [string, unknown])[] = Object.entries(value);
  const [only] = entries;
  if (entries.length === 1 && only !== undefined) {
    const [tag, content] = only;
    if (tag === "$f64" && typeof content === "string") {
      const bytes = Buffer.from(content, "base64");
      if (bytes.length % 8 !== 0)
        throw new IsothermError("permanent", "An array of numbers ends in the middle of one.", { todo: "The text is damaged." });
      return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    }
    if (tag === "$u8" && typeof content === "string") return new Uint8Array(Buffer.from(content, "base64"));
    if (tag === "$number" && typeof content === "string") return Number(content);
    if (tag === "$map" && Array.isArray(content))
      return new Map(content.map((pair: readonly unknown[]) => [pair[0], decodeValue(pair[1])] as const));
  }
  return Object.fromEntries(entries.map(([key, entry]) => [key, decodeValue(entry)]));
};

/** The plain data of `toTaggedJson`. Throws SyntaxError on text that is no JSON, `IsothermError` on an array that is cut off. */
export const fromTaggedJson = (text: string): unknown => decodeValue(JSON.parse(text));
