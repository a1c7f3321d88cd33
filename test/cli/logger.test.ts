import { describe, expect, it } from "vitest";
import { createLogger } from "#cli/daemon/logger";

const logged = async (write: (log: Awaited<ReturnType<typeof createLogger>>) => void): Promise<string> => {
  let text = "";
  const log = await createLogger("info", {
    write: (line: string) => {
      text += line;
    },
  });
  write(log);
  return text;
};

describe("the daemon's log", () => {
  it("writes no secret of an object that is logged, at the top or below, and everything else", async () => {
    const text = await logged((log) =>
      log.info(
        {
          mqtt: { url: "mqtts://broker", password: "s3cret-a" },
          token: "s3cret-b",
          request: { headers: { authorization: "s3cret-c", cookie: "s3cret-d" } },
        },
        "connected",
      ),
    );
    expect(text).not.toContain("s3cret");
    expect(text.match(/\[redacted\]/g)).toHaveLength(4);
    expect(JSON.parse(text)).toMatchObject({ mqtt: { url: "mqtts://broker" }, msg: "connected" });
  });

  it("masks user and password in addresses and bearer tokens, in messages and in errors with their causes", async () => {
    const error = new Error("connect mqtts://isotherm:s3cret-a@broker.example:8883 failed", {
      cause: new Error("GET https://u:s3cret-b@feed.example with Bearer s3cret.c-d=="),
    });
    const text = await logged((log) => {
      log.warn("retrying http://isotherm:s3cret-e@influx.example:8086/write");
      log.error({ err: error }, "the broker");
      log.error(error);
      log.error({ err: error });
    });
    expect(text).not.toContain("s3cret");
    expect(text).toContain("mqtts://[redacted]@broker.example:8883");
    expect(text).toContain("Bearer [redacted]");
    expect(text).toContain("http://[redacted]@influx.example:8086/write");
  });

  it("leaves addresses without credentials and e-mail addresses as they are", async () => {
    const text = await logged((log) => log.info("see https://example.org/a@b and write to ada@example.org"));
    expect(JSON.parse(text).msg).toBe("see https://example.org/a@b and write to ada@example.org");
  });
});
