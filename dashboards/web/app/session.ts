import type { Problem, Role, SessionView } from "#dashboards/server/wire";
import { getJson, RequestFailed, sendJson } from "#dashboards/web/app/api";
import { answerText } from "#dashboards/web/app/reasons";

const ranks: readonly Role[] = ["viewer", "operator", "admin"];

/** Who the reader is to the dashboard, and the way to change something. What is shown follows the server's word, never a guess. */
export class Session {
  private current: SessionView;
  private readonly listeners = new Set<() => void>();

  /** A wall screen shows what a viewer sees, whoever opened it. */
  private readonly viewerOnly: boolean;

  private constructor(view: SessionView, viewerOnly: boolean) {
    this.current = view;
    this.viewerOnly = viewerOnly;
  }

  static async load(signal: AbortSignal, viewerOnly = false): Promise<Session> {
    return new Session(await getJson<SessionView>("session", signal), viewerOnly);
  }

  get view(): SessionView {
    return this.current;
  }

  can(needed: Role): boolean {
    const { role } = this.current;
    if (this.viewerOnly && needed !== "viewer") return false;
    return role !== null && ranks.indexOf(role) >= ranks.indexOf(needed);
  }

  onChange(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  logIn(name: string, password: string): Promise<void> {
    return this.become("POST", "session", { name, password });
  }

  setUp(token: string, name: string, password: string): Promise<void> {
    return this.become("POST", "setup", { token, name, password });
  }

  changePassword(current: string, next: string): Promise<void> {
    return this.become("PUT", "session/password", { current, next });
  }

  async logOut(): Promise<void> {
    await this.send("DELETE", "session");
    await this.reload();
  }

  /** Asks anew who the reader is: another tab may have logged in or out. */
  async reload(): Promise<void> {
    this.set(await getJson<SessionView>("session", new AbortController().signal));
  }

  /** Resolves once the server has confirmed. Rejects with `RequestFailed`; after a log-out that happened elsewhere the session is known again. */
  async send<T>(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    try {
      return inWords(await sendJson<T>(method, path, this.current.csrfToken, body));
    } catch (error) {
      if (error instanceof RequestFailed && (error.status === 401 || error.status === 403)) await this.reload().catch(() => undefined);
      throw error;
    }
  }

  private async become(method: "POST" | "PUT", path: string, body: unknown): Promise<void> {
    this.set(await sendJson<SessionView>(method, path, this.current.csrfToken, body));
  }

  private set(view: SessionView): void {
    const changed = JSON.stringify(view) !== JSON.stringify(this.current);
    this.current = view;
    if (changed) for (const listener of this.listeners) listener();
  }
}

/** What was done, in the reader's language. */
const inWords = <T>(answer: T): T => {
  if (typeof answer !== "object" || answer === null || !("text" in answer) || typeof answer.text !== "string") return answer;
  return { ...answer, text: answerText(answer.text) };
};

export const problemOf = (error: unknown): Pick<Problem, "error" | "todo"> => {
  if (!(error instanceof RequestFailed)) return { error: String(error), todo: "" };
  const { error: what, todo } = error.problem;
  return { error: answerText(what), todo: answerText(todo) };
};
