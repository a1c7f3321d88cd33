import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";

export interface HttpReply {
  readonly status: number;
  readonly text: string;
}

/** Nothing that BOPTEST answers is longer; a longer answer is broken off. */
const maxReplyBytes = 128 * 2 ** 20;

/**
 * One HTTP request with a JSON body. Not `fetch`: that gives up after 300 s without an answer, and a warm-up may simulate for longer.
 * Rejects with the socket's error, with the signal's reason, or with a `TimeoutError` (DOMException) after `timeoutMs`.
 */
export function httpJson(
  method: "GET" | "PUT" | "POST",
  url: URL,
  body: unknown,
  options: { readonly timeoutMs: number; readonly signal?: AbortSignal | undefined; readonly headers?: Readonly<Record<string, string>> },
): Promise<HttpReply> {
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  return new Promise((resolve, reject) => {
    // An abort surfaces as its reason, not as the socket's own words for it.
    const fail = (error: unknown): void => reject(signal.aborted ? signal.reason : error);
    const payload = body === undefined ? "" : JSON.stringify(body);
    const send = url.protocol === "https:" ? httpsRequest : httpRequest;
    const request = send(
      url,
      {
        method,
        signal,
        // A kept connection may have been closed meanwhile, and a POST that broke cannot be sent again.
        ...(method === "POST" ? { agent: false } : {}),
        headers: {
          accept: "application/json",
          ...(body === undefined ? {} : { "content-type": "application/json" }),
          "content-length": String(Buffer.byteLength(payload)),
          ...options.headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        response.on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > maxReplyBytes) response.destroy(new Error(`the answer is longer than ${maxReplyBytes} bytes`));
          else chunks.push(chunk);
        });
        response.on("error", fail);
        response.on("end", () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }));
      },
    );
    request.on("error", fail);
    request.end(payload);
  });
}
