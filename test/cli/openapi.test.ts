import { describe, expect, it } from "vitest";
import { describeInterface } from "#cli/describeInterface";

describe("the OpenAPI document", () => {
  it("is told without a daemon, with every address that one offers", async () => {
    const document = (await describeInterface()) as { openapi: string; info: { version: string }; paths: Record<string, unknown> };
    expect(document.openapi).toMatch(/^3\.1/);
    for (const path of [
      "/overview",
      "/zones/{zone}/override",
      "/demand-response",
      "/mode",
      "/what-if",
      "/models/promotion",
      "/backups",
      "/schedule",
      "/doctor",
    ])
      expect(Object.keys(document.paths)).toContain(`/api/v1${path}`);
  });
});
