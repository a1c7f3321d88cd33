import { z } from "zod";
import * as fields from "#config/fields";

const { quantity, text } = fields;
const levels = ["info", "warning", "critical"] as const;
const address = (description: string, example: string) =>
  text(description, { pattern: /^[^\s@<>,;:"]+@[^\s@<>,;:"]+$/, what: "an e-mail address", maxLength: 254, example });

/** Who is told of alarms: `notify` of a site file. */
export const notify = z
  .strictObject({
    webhook: z
      .strictObject({
        url: fields.url("Address that gets a POST with JSON", ["http:", "https:"], "https://hooks.example/isotherm"),
        secret: fields.secretSource("Signs every message (HMAC-SHA256 in the header isotherm-signature)").optional(),
        level: fields.choice("Least level of alarms that are told", levels).prefault("warning"),
      })
      .optional()
      .describe("Alarms by webhook"),
    email: z
      .strictObject({
        server: fields.url(
          "Mail server; smtp:// on another machine is used with STARTTLS only",
          ["smtp:", "smtps:"],
          "smtps://mail.example:465",
        ),
        username: text("User name at the mail server", { example: "isotherm" }).optional(),
        password: fields.secretSource("Password at the mail server").optional(),
        from: address("Sender", "isotherm@site.example"),
        to: z.array(address("A recipient", "ada@site.example")).min(1).max(50).describe("Recipients"),
        level: fields.choice("Least level of alarms that are told", levels).prefault("critical"),
      })
      .optional()
      .describe("Alarms by e-mail"),
    group: quantity("S", "Alarms that come within this go out as one message; a critical one goes at once", { min: 0, max: 3600 }).prefault(
      "1 min",
    ),
    mostPerHour: fields
      .wholeNumber(
        "Most messages in an hour on each way, twice as many where there is something critical; the rest waits and goes as one",
        1,
        1000,
      )
      .prefault(12),
    timeout: quantity("S", "Time after which a delivery is given up and tried again later", { min: 0.1, max: 300 }).prefault("10 s"),
  })
  .prefault({})
  .describe("Who is told of alarms; nobody where neither webhook nor email is there");
