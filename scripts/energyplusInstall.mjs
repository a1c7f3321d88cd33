// Installs the EnergyPlus engine into this checkout's .venv/energyplus and prints where its library is.
import { checkoutRoot, say } from "./lib/checkout.mjs";
import { installEnergyplus } from "./lib/energyplus.mjs";
import { stopProcesses } from "./lib/runProcess.mjs";

process.on("SIGINT", () => {
  stopProcesses();
  process.exitCode = 130;
});
const result = await installEnergyplus({ root: checkoutRoot, say });
if (result.library === undefined) {
  process.stderr.write(
    `EnergyPlus was not installed: ${result.reason}\nAny EnergyPlus 24.1 or newer folder works too: isotherm simulate --energyplus DIR\n`,
  );
  process.exitCode = 1;
} else say(`EnergyPlus: ${result.library}`);
