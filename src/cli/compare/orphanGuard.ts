// Loaded into each run of a suite: the run ends with the suite that started it, however that one ended. The channel closes when the suite's process is gone.
const GRACE_MS = 6000;

process.on("disconnect", () => {
  // As on Ctrl-C: temporary files and engines are cleaned up; what hangs is ended.
  process.kill(process.pid, "SIGTERM");
  setTimeout(() => process.kill(process.pid, "SIGKILL"), GRACE_MS).unref();
});
// A run that is done ends by itself.
process.channel?.unref();

export {};
