import type { AuditView, NewTokenView, Role, StoredAuditEntry, TokenView, UserView } from "#dashboards/server/wire";
import { getJson } from "#dashboards/web/app/api";
import { askWhether } from "#dashboards/web/app/dialog";
import { button, fill, h, setText } from "#dashboards/web/app/dom";
import { choiceField, field, form } from "#dashboards/web/app/forms";
import { type MessageKey, t } from "#dashboards/web/app/i18n";
import type { Page, PageContext } from "#dashboards/web/app/page";
import { pageHead } from "#dashboards/web/app/parts";
import { problemOf } from "#dashboards/web/app/session";

const roleKey = { viewer: "role.viewer", operator: "role.operator", admin: "role.admin" } as const satisfies Record<Role, MessageKey>;
const outcomeKey = { done: "audit.done", refused: "audit.refused", failed: "audit.failed" } as const satisfies Record<string, MessageKey>;
const roleChoices = (): { value: string; text: string }[] =>
  (["viewer", "operator", "admin"] as const).map((value) => ({ value, text: t(roleKey[value]) }));

const table = (key: string, caption: string, columns: readonly string[], rows: readonly HTMLElement[]): HTMLElement =>
  h(
    "div",
    { class: "table-scroll", tabindex: 0, role: "region", "aria-label": caption },
    h(
      "table",
      { class: "plain-table", "data-table": key },
      h("caption", { class: "visually-hidden" }, caption),
      h("thead", {}, h("tr", {}, ...columns.map((column) => h("th", { scope: "col" }, column)))),
      h("tbody", {}, ...rows),
    ),
  );

/** The page is read anew with every change of the site; users and tokens change seldom. */
const rereadAfterMs = 10_000;

/** Users, API tokens and the audit log. */
export const createAdminPage = ({ formats, session }: PageContext): Page => {
  const lead = h("p", { class: "lead", "aria-live": "polite" }, t("loading"));
  const { element: head } = pageHead(t("admin.title"), lead);
  const users = h("div", {});
  const tokens = h("div", {});
  const audit = h("div", {});
  const problem = h("p", { class: "form-message form-problem", role: "alert" });
  const secret = h("div", { "aria-live": "polite" });
  const controller = new AbortController();
  let readMs = Number.NEGATIVE_INFINITY;
  let older: StoredAuditEntry[] = [];

  const order = (work: Promise<unknown>): void => {
    fill(problem);
    work.then(
      () => reread(),
      (error: unknown) => {
        fill(problem, `${problemOf(error).error} ${problemOf(error).todo}`);
        void reread();
      },
    );
  };
  const removeOnceConfirmed = (name: string, path: string): void => {
    void askWhether(t("admin.confirmRemove", { name }), t("admin.remove")).then((yes) => yes && order(session.send("DELETE", path)));
  };

  const userRow = (user: UserView): HTMLElement => {
    const role = h(
      "select",
      { class: "input", "aria-label": t("admin.roleOf", { name: user.name }) },
      ...(["viewer", "operator", "admin"] as const).map((value) =>
        h("option", { value, selected: value === user.role }, t(`roleName.${value}`)),
      ),
    );
    role.addEventListener("change", () => order(session.send("PATCH", `users/${user.id}`, { role: role.value })));
    return h(
      "tr",
      { "data-user": user.name },
      h("th", { scope: "row" }, user.name),
      h("td", {}, role),
      h("td", {}, user.disabled ? t("admin.disabled") : t("admin.enabled")),
      h("td", {}, formats.dayAndClock(user.createdMs)),
      h(
        "td",
        {},
        h(
          "div",
          { class: "row-actions" },
          button(
            { class: "button-quiet", "aria-label": t(user.disabled ? "admin.enableWho" : "admin.disableWho", { name: user.name }) },
            () => order(session.send("PATCH", `users/${user.id}`, { disabled: !user.disabled })),
            user.disabled ? t("admin.enable") : t("admin.disable"),
          ),
          button(
            { class: "button-quiet button-danger", "aria-label": t("admin.removeWho", { name: user.name }) },
            () => removeOnceConfirmed(user.name, `users/${user.id}`),
            t("admin.remove"),
          ),
        ),
      ),
    );
  };
  const tokenRow = (token: TokenView): HTMLElement =>
    h(
      "tr",
      { "data-token": token.label },
      h("th", { scope: "row" }, token.label),
      h("td", {}, t(`roleName.${token.role}`)),
      h("td", {}, token.createdBy),
      h("td", {}, token.expiresMs === null ? t("admin.never") : formats.dayAndClock(token.expiresMs)),
      h(
        "td",
        {},
        button(
          { class: "button-quiet button-danger", "aria-label": t("admin.removeWho", { name: token.label }) },
          () => removeOnceConfirmed(token.label, `tokens/${token.id}`),
          t("admin.remove"),
        ),
      ),
    );
  const auditRow = (entry: StoredAuditEntry): HTMLElement =>
    h(
      "tr",
      { "data-audit": entry.seq },
      h("th", { scope: "row" }, formats.wallTime(entry.timeMs)),
      h("td", {}, entry.who),
      h("td", {}, entry.action),
      h("td", {}, entry.target),
      h("td", {}, t(outcomeKey[entry.outcome])),
      h("td", {}, entry.address),
      h("td", {}, entry.detail),
    );
  const showAudit = (entries: readonly StoredAuditEntry[], nextBefore: number | null): void => {
    const columns = [
      t("audit.when"),
      t("audit.who"),
      t("audit.what"),
      t("audit.target"),
      t("audit.outcome"),
      t("audit.from"),
      t("audit.detail"),
    ];
    fill(
      audit,
      table("audit", t("audit.title"), columns, entries.map(auditRow)),
      nextBefore === null
        ? null
        : button(
            { class: "button-quiet" },
            () => {
              getJson<AuditView>(`audit?limit=100&before=${nextBefore}`, controller.signal).then(
                (more) => {
                  older = [...entries, ...more.entries];
                  showAudit(older, more.nextBefore);
                },
                (error: unknown) => fill(problem, problemOf(error).error),
              );
            },
            t("audit.older"),
          ),
    );
  };

  const read = async (signal: AbortSignal): Promise<void> => {
    readMs = performance.now();
    const [found, keys, log] = await Promise.all([
      getJson<{ users: readonly UserView[] }>("users", signal),
      getJson<{ tokens: readonly TokenView[] }>("tokens", signal),
      getJson<AuditView>("audit?limit=50", signal),
    ]);
    setText(lead, t("admin.lead", { users: formats.number(found.users.length), tokens: formats.number(keys.tokens.length) }));
    fill(
      users,
      table(
        "users",
        t("admin.users"),
        [t("login.name"), t("admin.role"), t("admin.state"), t("admin.since"), t("admin.actions")],
        found.users.map(userRow),
      ),
    );
    fill(
      tokens,
      keys.tokens.length === 0
        ? h("p", { class: "empty" }, t("admin.noTokens"))
        : table(
            "tokens",
            t("admin.tokens"),
            [t("admin.label"), t("admin.role"), t("admin.madeBy"), t("admin.expires"), t("admin.actions")],
            keys.tokens.map(tokenRow),
          ),
    );
    if (older.length === 0) showAudit(log.entries, log.nextBefore);
  };
  const reread = (): Promise<void> => {
    older = [];
    return read(controller.signal).catch((error: unknown) => {
      if (!controller.signal.aborted) fill(problem, problemOf(error).error);
    });
  };

  const [name, role, password] = [
    field(t("login.name"), { required: true, maxlength: 64, autocomplete: "off" }),
    choiceField(t("admin.role"), roleChoices(), "viewer"),
    field(t("login.password"), { type: "password", required: true, minlength: 12, autocomplete: "new-password" }, t("password.hint")),
  ];
  const newUser = form(t("admin.addUser"), [name, role, password], async () => {
    const made = await session.send<UserView>("POST", "users", {
      name: name.input.value,
      role: role.input.value,
      password: password.input.value,
    });
    name.input.value = "";
    password.input.value = "";
    void reread();
    return t("admin.added", { name: made.name });
  });
  const [label, tokenRole, days] = [
    field(t("admin.label"), { required: true, maxlength: 64, autocomplete: "off" }),
    choiceField(t("admin.role"), roleChoices(), "viewer"),
    field(t("admin.days"), { type: "number", min: 1, max: 3650, value: 365 }, t("admin.daysHint")),
  ];
  const newToken = form(t("admin.addToken"), [label, tokenRole, days], async () => {
    const expiresInDays = days.input.value === "" ? null : Number(days.input.value);
    const made = await session.send<NewTokenView>("POST", "tokens", {
      label: label.input.value,
      role: tokenRole.input.value,
      expiresInDays,
    });
    label.input.value = "";
    fill(secret, h("p", {}, t("admin.secretOnce")), h("code", { class: "secret", "data-secret": true }, made.secret));
    void reread();
    return t("admin.added", { name: made.label });
  });
  for (const one of [newUser, newToken]) one.classList.add("form-wide");

  const element = h(
    "div",
    { class: "page" },
    head,
    problem,
    h("section", { class: "card" }, h("h2", {}, t("admin.users")), users, newUser),
    h(
      "section",
      { class: "card" },
      h("h2", {}, t("admin.tokens")),
      h("p", { class: "card-note" }, t("admin.tokensLead")),
      tokens,
      newToken,
      secret,
    ),
    h("section", { class: "card" }, h("h2", {}, t("audit.title")), h("p", { class: "card-note" }, t("audit.lead")), audit),
  );
  return {
    title: t("admin.title"),
    element,
    refresh: async (signal) => {
      // A list that is being used is left alone.
      const busy =
        users.contains(document.activeElement) || tokens.contains(document.activeElement) || audit.contains(document.activeElement);
      if (performance.now() - readMs > rereadAfterMs && !busy) await read(signal);
    },
    destroy: () => controller.abort(),
  };
};
