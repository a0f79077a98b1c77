// SPDX-License-Identifier: Apache-2.0
// A demo of its own for the walk: started, waited for, stopped.
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS = 600_000;

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** The password is in the output of the first start only; the walk keeps the one it changes it to in `passwordFile`. */
export async function startDemo() {
  const folder = process.env.OPENMAINS_E2E_VAR ?? join(tmpdir(), "openmains-e2e");
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const coapPort = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = spawn(process.env.OPENMAINS_PYTHON ?? join(root, ".venv/bin/python"), ["-m", "openmains.run.cli", "demo", "--var", folder], {
    cwd: root,
    env: {
      ...process.env,
      PYTHONPATH: join(root, "src"),
      OPENMAINS_HTTP_PORT: String(port),
      OPENMAINS_DTLS_PORT: String(await freePort()),
      OPENMAINS_TCP_PORT: String(await freePort()),
      OPENMAINS_NOTIFY_NETWORKS: "127.0.0.0/8", // where the stories' own push service listens
      OPENMAINS_COAP_PORT: String(coapPort), // off by default; the stories' own meters speak plainly
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let said = "";
  let over = false;
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (said += chunk));
  const ended = new Promise((resolve) => child.once("exit", () => resolve((over = true))));
  const stop = async () => {
    if (!over) child.kill("SIGTERM");
    await ended;
  };
  const until = Date.now() + READY_MS;
  // Ready is: the meters report live, so that the pages have something to show.
  while (!/report live/.test(said)) {
    if (over || Date.now() > until) {
      await stop();
      throw new Error(`the demo did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
  return { url, coapPort, said: () => said, password: /password (\S+)/.exec(said)?.[1], passwordFile: join(folder, "e2e-password"), folder, stop };
}
