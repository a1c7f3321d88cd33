import { describe, expect, it } from "vitest";
import { LoginBackoff, loginRules } from "#dashboards/server/people/loginBackoff";
import { hashPassword, passwordProblem, verifyPassword } from "#dashboards/server/people/passwords";
import { SessionShelf, sessionLimits } from "#dashboards/server/people/sessionShelf";

describe("passwords", () => {
  it("are kept as scrypt with a salt of their own and at least OWASP's cost (ASVS 11.4.2)", async () => {
    const [a, b] = await Promise.all([hashPassword("eleven blue chairs"), hashPassword("eleven blue chairs")]);
    expect(a).not.toBe(b);
    const [kind, N, r, p, salt, key] = a.split("$");
    expect([kind, N, r, p]).toEqual(["scrypt", "32768", "8", "3"]);
    expect(Buffer.from(salt!, "base64url")).toHaveLength(16);
    expect(Buffer.from(key!, "base64url")).toHaveLength(32);
    expect(await verifyPassword("eleven blue chairs", a)).toBe(true);
    expect(await verifyPassword("eleven blue chair", a)).toBe(false);
  });

  it("typed on another keyboard is the same, and nobody's password is never right", async () => {
    const composed = await hashPassword("Z\u00fcrich im Winter");
    expect(await verifyPassword("Zu\u0308rich im Winter", composed)).toBe(true);
    for (const stored of [null, "", "scrypt$", "plain"]) expect(await verifyPassword("", stored)).toBe(false);
  });

  it("takes as long for an unknown name as for a wrong password", async () => {
    const stored = await hashPassword("eleven blue chairs");
    const timeOf = async (hash: string | null): Promise<number> => {
      const times: number[] = [];
      for (let i = 0; i < 3; i++) {
        const began = performance.now();
        await verifyPassword("wrong wrong wrong", hash);
        times.push(performance.now() - began);
      }
      return Math.min(...times);
    };
    const ratio = (await timeOf(null)) / (await timeOf(stored));
    expect(ratio).toBeGreaterThan(0.3);
    expect(ratio).toBeLessThan(3);
  });

  it.each([
    ["short", "ada", /at least 12/],
    ["eleven char", "ada", /at least 12/],
    ["passwordpassword", "ada", /first that are guessed/],
    ["PasswordPassword", "ada", /first that are guessed/],
    ["aaaaaaaaaaaaaaaa", "ada", /first that are guessed/],
    ["ada likes warm rooms", "Ada", /user's name/],
    ["a".repeat(150) + "bcdefgh".repeat(10), "ada", /at most 200/],
  ])("ASVS 6.2.1 (8 characters; here 12) and 6.2.4: refuses %j", (password, name, why) =>
    expect(passwordProblem(password, name)).toMatch(why),
  );

  it("asks for length only: words, spaces and any script will do", () => {
    for (const password of ["eleven blue chairs", "тёплые комнаты зимой", "暖かい部屋は冬に大切です。はい"])
      expect(passwordProblem(password, "ada")).toBeNull();
  });
});

describe("back-off after wrong passwords", () => {
  it("lets a few slips pass, then doubles the wait up to its limit, and forgives a right one", () => {
    let nowMs = 0;
    const backoff = new LoginBackoff(loginRules.account, () => nowMs);
    const waits: number[] = [];
    for (let i = 0; i < 14; i++) {
      waits.push(backoff.waitS("ada"));
      nowMs += backoff.waitS("ada") * 1000;
      backoff.begin("ada");
    }
    expect(waits).toEqual([0, 0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
    expect(backoff.waitS("bob")).toBe(0);
    backoff.succeed("ada");
    expect(backoff.waitS("ada")).toBe(0);
  });

  it("forgets after a quiet hour, and holds a bounded number of names", () => {
    let nowMs = 0;
    const backoff = new LoginBackoff(loginRules.account, () => nowMs);
    for (let i = 0; i < 6; i++) backoff.begin("ada");
    nowMs += 3_700_000;
    backoff.begin("ada");
    expect(backoff.waitS("ada")).toBe(0);
    for (let i = 0; i < 20_000; i++) backoff.begin(`name ${i}`);
    expect((backoff as unknown as { tallies: Map<string, unknown> }).tallies.size).toBeLessThanOrEqual(10_000);
  });
});

describe("sessions in memory", () => {
  it("are bounded: the one that was quiet longest makes room", () => {
    const shelf = new SessionShelf();
    const session = { cookie: { originalMaxAge: 1 }, userId: "u", generation: 1, csrfToken: "t", beganMs: Date.now() };
    for (let i = 0; i <= sessionLimits.maxSessions; i++) shelf.set(String(i), session as never);
    expect([shelf.has("0"), shelf.has("1"), shelf.has(String(sessionLimits.maxSessions))]).toEqual([false, true, true]);
  });

  it("end a week after the log-in however busy they are, and are not revived by a late answer", () => {
    const shelf = new SessionShelf();
    const session = {
      cookie: { originalMaxAge: 1 },
      userId: "u",
      generation: 1,
      csrfToken: "t",
      beganMs: Date.now() - sessionLimits.absoluteMs - 1,
    };
    shelf.set("old", session as never);
    expect(shelf.has("old")).toBe(false);
    shelf.set("ended", { ...session, beganMs: Date.now() } as never);
    shelf.destroy("ended");
    shelf.touch("ended", { ...session, beganMs: Date.now() } as never);
    expect(shelf.has("ended")).toBe(false);
  });
});
