import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { ProblemError } from "#dashboards/server/problems";

/** Parameters of scrypt (RFC 7914): N the cost of memory and time, r the block size, p how often. */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}
/** OWASP's setting with 32 MiB per hash. */
export const scryptCost: ScryptCost = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;
/** Hashes that may wait: more than these are an attack on the memory, not people. */
const maxWaiting = 20;

export const minPasswordLength = 12;
export const maxPasswordLength = 200;

/** Often used ones that are long enough; guessers try them first. */
const commonPasswords: ReadonlySet<string> = new Set(
  (
    "123456789012 1234567890123 12345678901234 123456789123 1q2w3e4r5t6y 1qaz2wsx3edc qwertyuiop12 qwertyuiop123 qwerty123456 password1234 password12345 " +
    "passwordpassword passw0rd1234 iloveyou1234 administrator adminadminadmin administrator1 letmeinletmein changemechangeme welcome12345 welcome123456 " +
    "abcdefghijkl abcdefghijklm abcd12345678 unknown12345 isothermisotherm isotherm1234 building1234 thermostat123 correcthorsebatterystaple"
  ).split(" "),
);

let waiting = 0;
let last: Promise<unknown> = Promise.resolve();
/** One at a time: each takes 32 MiB and a quarter of a second of a worker thread. */
const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
  if (waiting >= maxWaiting) throw new ProblemError(503, "Too many log-ins are under way.", "session", "Try again in a minute.");
  waiting++;
  const turn = last.then(work, work);
  last = turn.catch(() => undefined);
  try {
    return await turn;
  } finally {
    waiting--;
  }
};

const derive = (password: string, salt: Buffer, N: number, r: number, p: number): Promise<Buffer> =>
  inTurn(
    () =>
      new Promise((resolve, reject) => {
        // The same letters typed on two keyboards are one password.
        scrypt(password.normalize("NFKC"), salt, keyBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) =>
          error === null ? resolve(key) : reject(error),
        );
      }),
  );

/** `scrypt$N$r$p$salt$key`, base64url. */
export const hashPassword = async (password: string, { N, r, p }: ScryptCost = scryptCost): Promise<string> => {
  const salt = randomBytes(16);
  const key = await derive(password, salt, N, r, p);
  return ["scrypt", N, r, p, salt.toString("base64url"), key.toString("base64url")].join("$");
};

/** Takes as long for no user (`null`) as for a wrong password, so that names cannot be found out by time. */
export const verifyPassword = async (password: string, stored: string | null, { N, r, p }: ScryptCost = scryptCost): Promise<boolean> => {
  const match = /^scrypt\$(\d{1,7})\$(\d{1,2})\$(\d{1,2})\$([\w-]+)\$([\w-]+)$/.exec(stored ?? "");
  if (match === null) {
    await derive(password, Buffer.alloc(16), N, r, p);
    return false;
  }
  const [, ownN = "", ownR = "", ownP = "", salt = "", key = ""] = match;
  const expected = Buffer.from(key, "base64url");
  const actual = await derive(password, Buffer.from(salt, "base64url"), Number(ownN), Number(ownR), Number(ownP));
  return expected.length === actual.length && timingSafeEqual(expected, actual);
};

/** Why a password is refused; null where it may be used. Length counts, not kinds of characters (OWASP ASVS 5.0, 6.2). */
export const passwordProblem = (password: string, userName: string): string | null => {
  const plain = password.normalize("NFKC").toLowerCase();
  if ([...plain].length < minPasswordLength) return `a password has at least ${minPasswordLength} characters`;
  if (password.length > maxPasswordLength) return `a password has at most ${maxPasswordLength} characters`;
  if (commonPasswords.has(plain) || new Set(plain).size < 4) return "that password is among the first that are guessed";
  if (userName.length >= 3 && plain.includes(userName.toLowerCase())) return "a password does not contain the user's name";
  return null;
};
