import { createHmac } from "node:crypto";
import { type Delivery, DeliveryFailure } from "#adapters/notify/delivery";
import { inOrder, type Notice } from "#adapters/notify/notice";
import { retryAfterMs } from "#adapters/web/politeFeed";

export interface WebhookOptions {
  readonly url: string;
  /** null: messages are not signed. */
  readonly secret: string | null;
  readonly timeoutMs: number;
  readonly wallMs?: () => number;
}

const iso = (timeMs: number | null): string | null => (timeMs === null ? null : new Date(timeMs).toISOString());

/** The JSON of a message. Keys are added within a major version of `schema`, never renamed. */
export const webhookBody = (notice: Notice): string =>
  JSON.stringify({
    schema: "1.0",
    id: notice.id,
    site: notice.siteId,
    label: notice.siteLabel,
    time: iso(notice.timeMs),
    alarms: inOrder(notice.entries).map(({ change, alarm: { id, level, zone, text, action, sinceMs, clearedMs } }) => ({
      id,
      change,
      level,
      zone,
      text,
      action,
      since: iso(sinceMs),
      cleared: iso(clearedMs),
    })),
  });

/** `t=<Unix seconds>,v1=<hex>` with v1 = HMAC-SHA256(secret, `<t>.<body>`): a receiver checks both that it is ours and that it is not an old one again. */
export const webhookSignature = (secret: string, body: string, timeMs: number): string => {
  const seconds = Math.floor(timeMs / 1000);
  return `t=${seconds},v1=${createHmac("sha256", secret).update(`${seconds}.${body}`).digest("hex")}`;
};

/** Messages as POST with JSON. Any 2xx is taken for delivered; a redirect is not followed. */
export const createWebhook = ({ url, secret, timeoutMs, wallMs = Date.now }: WebhookOptions): Delivery => ({
  name: "webhook",
  receiver: new URL(url).host,
  deliver: async (notice, signal) => {
    const body = webhookBody(notice);
    const timeout = AbortSignal.timeout(timeoutMs);
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        body,
        redirect: "manual",
        signal: AbortSignal.any([timeout, signal]),
        headers: {
          "content-type": "application/json",
          "user-agent": "isotherm",
          "isotherm-delivery": notice.id,
          ...(secret === null ? {} : { "isotherm-signature": webhookSignature(secret, body, wallMs()) }),
        },
      });
      await response.body?.cancel();
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? ` (${error.cause.message})` : "";
      throw new DeliveryFailure(timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : `it cannot be reached${cause}`);
    }
    if (!response.ok)
      throw new DeliveryFailure(`it answers ${response.status}`, retryAfterMs(response.headers.get("retry-after"), wallMs()));
  },
});
