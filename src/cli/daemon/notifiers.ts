import { join } from "node:path";
import type { Delivery } from "#adapters/notify/delivery";
import { createEmail } from "#adapters/notify/email";
import { createNotifier } from "#adapters/notify/notifier";
import { createWebhook } from "#adapters/notify/webhook";
import type { Ground } from "#cli/daemon/ground";
import type { Traffic } from "#cli/daemon/traffic";
import type { NotifyConfig, NotifyLevel } from "#config/siteConfig";

const waysOf = async (
  { webhook, email, timeoutMs }: NotifyConfig,
  timeZone: string,
): Promise<readonly { readonly delivery: Delivery; readonly level: NotifyLevel }[]> => [
  ...(webhook === null
    ? []
    : [
        {
          delivery: createWebhook({ url: webhook.url, secret: webhook.secret?.reveal() ?? null, timeoutMs }),
          level: webhook.level,
        },
      ]),
  ...(email === null
    ? []
    : [
        {
          delivery: await createEmail({
            server: email.server,
            username: email.username,
            password: email.password?.reveal() ?? null,
            from: email.from,
            to: email.to,
            timeoutMs,
            timeZone,
          }),
          level: email.level,
        },
      ]),
];

/** Tells the people of the site file of alarms; what they were told is kept in the data directory. A way that fails is an alarm itself, on the other ways and on the screens. */
export const openNotifiers = async (ground: Ground, { alarms }: Pick<Traffic, "alarms">): Promise<void> => {
  const { run, data, shutdown, nowMs, onError } = ground;
  const { notify, site } = run.config;
  for (const { delivery, level } of await waysOf(notify, site.timeZone)) {
    const { name, receiver } = delivery;
    const notifier = await createNotifier({
      delivery,
      level,
      site: { id: site.id, label: site.label },
      store: data.store,
      nowMs,
      file: join(data.path, `notify-${name}.json`),
      groupMs: notify.groupMs,
      mostPerHour: notify.mostPerHour,
      onTrouble: (trouble) =>
        void alarms.set(
          trouble !== null,
          {
            id: `notify-${name}`,
            level: "warning",
            text: `Alarms cannot be sent by ${name} to ${receiver}: ${trouble ?? ""}.`,
            action: `Check notify.${name} in the site file and the way there; nothing is lost, it is tried again.`,
          },
          nowMs(),
        ),
      onError,
    });
    const stop = data.store.onChange((change) => {
      if (change.kind === "alarm") notifier.changed(change.alarm);
    });
    shutdown.add(
      `alarms by ${name}`,
      async () => {
        stop();
        await notifier.close();
      },
      1_000,
    );
  }
};
