import { z } from "zod";
import { siteFileSchema } from "#config/schema";

/** JSON Schema (draft 2020-12) of a site file, for editors: `# yaml-language-server: $schema=site.schema.json`. Checks across the file are left to the loader. */
export function siteJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(siteFileSchema, { io: "input", target: "draft-2020-12" });
  return { $schema, $id: "isotherm/site.schema.json", ...rest };
}

/** The text of config/site.schema.json. */
export const siteJsonSchemaText = (): string => `${JSON.stringify(siteJsonSchema(), null, 2)}\n`;
