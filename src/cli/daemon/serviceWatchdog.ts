import { openServiceManager, type ServiceManager } from "#adapters/serviceManager/serviceManager";
import type { Ground } from "#cli/daemon/ground";
import type { Heartbeat } from "#cli/daemon/heartbeat";

/** Says that everything is open, and from then on that it lives: at a third of the watchdog's time, and only while the control loop ticks. Returns the end of it. */
export const feedWatchdog = async (
  manager: ServiceManager,
  heartbeat: Heartbeat,
  onWarning: (text: string) => void,
): Promise<() => void> => {
  await manager.notify("READY=1");
  if (manager.watchdogMs === null) return () => undefined;
  let wasLate = false;
  const timer = setInterval(() => {
    const late = heartbeat.isLate;
    if (late && !wasLate)
      onWarning("The control loop does not tick: the service manager is no longer told that isotherm lives, and will start it again.");
    wasLate = late;
    if (!late) void manager.notify("WATCHDOG=1");
  }, manager.watchdogMs / 3);
  timer.unref();
  return () => clearInterval(timer);
};

export const openWatchdog = async (ground: Ground, heartbeat: Heartbeat): Promise<void> => {
  const manager = await openServiceManager(ground.onWarning);
  const stop = await feedWatchdog(manager, heartbeat, ground.onWarning);
  ground.shutdown.add("service manager", async () => {
    stop();
    await manager.notify("STOPPING=1");
  });
};
