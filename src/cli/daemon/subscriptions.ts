import { listenForCommands } from "#adapters/mqtt/commands";
import { watchForeignSetpoints } from "#adapters/mqtt/foreignSetpoints";
import { topicsOf } from "#adapters/mqtt/wire";
import { announceSite } from "#cli/daemon/announceSite";
import type { Ground } from "#cli/daemon/ground";
import type { Knowledge } from "#cli/daemon/knowledge";
import { orderHandlers, orderPartsOf } from "#cli/daemon/orders";
import type { StatusBoard } from "#cli/daemon/statusBoard";
import type { Traffic } from "#cli/daemon/traffic";

/** Listens to people and to other programs on the broker, announces the site to Home Assistant, and follows the lease. */
export const openSubscriptions = (
  ground: Ground,
  traffic: Traffic,
  knowledge: Pick<Knowledge, "models">,
  board: StatusBoard,
  { decideSoon, publishStates }: { readonly decideSoon: () => void; readonly publishStates: () => void },
): void => {
  const { run, zones, nowMs, ending, inBackground } = ground;
  const { config, log, say } = run;
  const { site } = config;
  const { link, bus, lease, publisher, supervisor, watch } = traffic;
  inBackground(
    "the subscription to orders",
    listenForCommands({
      bus,
      building: site.id,
      zones,
      handlers: orderHandlers(orderPartsOf(ground, traffic, knowledge, decideSoon)),
      onDropped: (why, topic) => log.warn({ topic, why }, "an order was not carried out"),
    }),
  );
  inBackground(
    "the watch on foreign setpoints",
    watchForeignSetpoints({
      bus,
      building: site.id,
      publisher,
      nowMs,
      onForeign: ({ zone, overrules }) => watch.foreignSetpoint(zone, overrules),
    }),
  );
  inBackground(
    "the watch on our status",
    // A daemon that stood by and was killed leaves its last will where we say that we are there.
    link.bus.subscribe(topicsOf(site.id).status, ({ payload }) => {
      if (payload === "offline" && bus.connected && !ending.signal.aborted) publisher.sayOnline();
    }),
  );
  inBackground("Home Assistant's discovery", announceSite(run, ground.data.announcedFile, bus));
  lease.guide(supervisor, {
    onCommands: () => {
      watch.standsBy(null);
      say(`Control    this daemon is in charge of the building, mode ${supervisor.mode}`);
      publishStates();
      if (board.decision !== null) decideSoon();
    },
    onStandsBy: (other) => {
      publisher.forgetSetpoints();
      watch.standsBy(other);
      say(`Control    another isotherm (${other}) commands the building: this one stands by in shadow mode`);
    },
  });
};
