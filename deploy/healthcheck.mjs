// Asks the daemon in this container whether it is well: exit code 0 where /healthz answers with 200, else 1. Over https where the dashboard has a certificate;
// whose name that bears does not matter here, since the question does not leave the container.
import { get as getHttp } from "node:http";
import { get as getHttps } from "node:https";

const [host = "127.0.0.1", port = "8080"] = process.argv.slice(2);
const isWell = (get) =>
  new Promise((resolve) => {
    get({ host, port, path: "/healthz", rejectUnauthorized: false, timeout: 8000 }, (answer) => {
      answer.resume();
      resolve(answer.statusCode === 200);
    })
      .on("timeout", function () {
        this.destroy();
      })
      .on("error", () => resolve(false));
  });
process.exit((await isWell(getHttp)) || (await isWell(getHttps)) ? 0 : 1);
