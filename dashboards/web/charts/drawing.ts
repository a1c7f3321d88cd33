/** Chart.js with what the charts here need of it. Of its own file: a page shows its figures first, and half of what the browser loads is in here. */
import {
  BarController,
  BarElement,
  Chart,
  Filler,
  LinearScale,
  LineController,
  LineElement,
  PointElement,
  TimeScale,
  Tooltip,
} from "chart.js";
import "chartjs-adapter-date-fns";

Chart.register(LineController, BarController, LineElement, BarElement, PointElement, LinearScale, TimeScale, Filler, Tooltip);

export { Chart };
