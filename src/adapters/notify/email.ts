import { isIP } from "node:net";
import { type Delivery, DeliveryFailure } from "#adapters/notify/delivery";
import { inOrder, type Notice, type NoticeChange } from "#adapters/notify/notice";

export interface EmailOptions {
  /** `smtps://host:port`, or `smtp://host:port` (STARTTLS, and nothing else, unless it is this machine). */
  readonly server: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs: number;
  /** Times are written in it. */
  readonly timeZone: string;
}

const SUBMISSION_PORT = 587;
const SMTPS_PORT = 465;

const isLoopback = (host: string): boolean => host === "localhost" || host === "[::1]" || (isIP(host) === 4 && host.startsWith("127."));

const words: Readonly<Record<NoticeChange, string>> = {
  raised: "RAISED",
  worse: "WORSE",
  cleared: "cleared",
  passed: "came and went",
};

/** Names of zones and sites come from outside: no line break may reach a header. */
const oneLine = (text: string): string => text.replace(/[\p{Cc}\u2028\u2029]+/gu, " ").trim();

/** Subject and plain text of a message. */
export const emailText = (notice: Notice, timeZone: string): { readonly subject: string; readonly text: string } => {
  const clock = new Intl.DateTimeFormat("en-GB", { timeZone, dateStyle: "medium", timeStyle: "short" });
  const entries = inOrder(notice.entries);
  const count = (wanted: readonly NoticeChange[]): number => entries.filter(({ change }) => wanted.includes(change)).length;
  const standing = count(["raised", "worse"]);
  const over = count(["cleared", "passed"]);
  const [first] = entries;
  const what =
    entries.length === 1 && first !== undefined
      ? `${first.alarm.level} ${words[first.change]}: ${first.alarm.text}`
      : [...(standing > 0 ? [`${standing} raised`] : []), ...(over > 0 ? [`${over} over`] : [])].join(", ");
  const paragraphs = entries.map(({ change, alarm }) =>
    [
      `${words[change]}  ${alarm.level}  ${oneLine(alarm.text === "" ? alarm.id : alarm.text)}`,
      ...(change === "raised" || change === "worse" ? (alarm.action === "" ? [] : [`    What to do: ${oneLine(alarm.action)}`]) : []),
      `    since ${clock.format(alarm.sinceMs)}${alarm.clearedMs === null ? "" : `, until ${clock.format(alarm.clearedMs)}`}  (${oneLine(alarm.id)})`,
    ].join("\n"),
  );
  return {
    subject: oneLine(`[isotherm] ${notice.siteLabel}: ${what}`).slice(0, 200),
    text: `${oneLine(notice.siteLabel)}, ${clock.format(notice.timeMs)} (${timeZone})\n\n${paragraphs.join("\n\n")}\n`,
  };
};

/** Messages by mail, in plain text. Its Message-ID is the message's own, so that one that came twice is shown once. */
export const createEmail = async (options: EmailOptions): Promise<Delivery> => {
  const { createTransport } = await import("nodemailer");
  const server = new URL(options.server);
  const secure = server.protocol === "smtps:";
  const here = isLoopback(server.hostname);
  const transport = createTransport({
    host: server.hostname.replace(/^\[|\]$/g, ""),
    port: Number(server.port || (secure ? SMTPS_PORT : SUBMISSION_PORT)),
    secure,
    requireTLS: !secure && !here,
    ignoreTLS: !secure && here,
    ...(options.username === null ? {} : { auth: { user: options.username, pass: options.password ?? "" } }),
    connectionTimeout: options.timeoutMs,
    greetingTimeout: options.timeoutMs,
    socketTimeout: options.timeoutMs,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return {
    name: "email",
    receiver: server.hostname,
    deliver: async (notice) => {
      const { subject, text } = emailText(notice, options.timeZone);
      try {
        const { rejected } = await transport.sendMail({
          from: options.from,
          to: [...options.to],
          subject,
          text,
          messageId: `<${notice.id}@${options.from.slice(options.from.lastIndexOf("@") + 1)}>`,
          headers: { "Auto-Submitted": "auto-generated" },
        });
        if (rejected.length === options.to.length) throw new DeliveryFailure("it refuses every recipient");
      } catch (error) {
        if (error instanceof DeliveryFailure) throw error;
        throw new DeliveryFailure(error instanceof Error ? oneLine(error.message).slice(0, 300) : String(error));
      }
    },
  };
};
