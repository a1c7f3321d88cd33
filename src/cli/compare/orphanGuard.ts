// Loaded into each run of a suite: the run ends with the suite that started it, however that one ended. The channel closes when the suite's process is gone.
const GRACE_MS = 6000;

const end = (): void => {
  // As on Ctrl-C: temporary files and engines are cleaned up; what hangs is ended.
  setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
  process.kill(process.pid, "SIGTERM");
};

process.on("disconnect", end);
// The suite may have ended before this line was reached; that event has passed.
if (process.connected === false) end();
// A run that is done ends by itself.
process.channel?.unref();

export {};
