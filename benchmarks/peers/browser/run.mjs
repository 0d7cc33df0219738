// Opens a page of this folder in a headless Chromium and prints what it measured as JSON.
//
// node run.mjs FOLDER PAGE DATA REQUEST BROWSER PICTURE
//   FOLDER   where the npm packages are; PAGE "cesium" or "cityjson"; DATA the city's file, or a tileset.json
//   REQUEST  a JSON file for the page: size, views, place; BROWSER the browser's path; PICTURE a PNG to write
// Files are served on the loopback interface only, from FOLDER, this folder and the folder of DATA.

import { createRequire } from "node:module";
import { createReadStream, mkdtempSync, mkdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";

const [folder, page, data, request, browser, picture] = process.argv.slice(2);
const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const need = createRequire(path.join(folder, "package.json"));
const { chromium } = need("playwright-core");
const made = mkdtempSync(path.join(tmpdir(), "peer-"));

const roots = {
  "/packages/": path.join(folder, "node_modules"),
  "/page/": here,
  "/made/": made,
  "/data/": path.dirname(path.resolve(data)),
};
const kinds = {
  ".html": "text/html", ".js": "text/javascript", ".mjs": "text/javascript", ".json": "application/json",
  ".css": "text/css", ".glb": "model/gltf-binary", ".wasm": "application/wasm", ".svg": "image/svg+xml",
  ".png": "image/png", ".jpg": "image/jpeg",
};

if (page === "cityjson") {
  const esbuild = need("esbuild");
  const usual = {
    bundle: true, format: "esm", logLevel: "error", nodePaths: [path.join(folder, "node_modules")],
    resolveExtensions: [".js"],
  };
  const loader = path.join(folder, "node_modules/cityjson-threejs-loader/src");
  // three's extras are imported without their ending; they lie beside the package's main file
  const endings = {
    name: "endings",
    setup: (build) => build.onResolve({ filter: /^three\/examples\/jsm\/.*[^s]$/ }, (found) => ({
      path: path.join(folder, "node_modules", found.path.endsWith(".js") ? found.path : `${found.path}.js`),
    })),
  };
  await esbuild.build({ ...usual, plugins: [endings], entryPoints: [path.join(here, "cityjson.js")],
    outfile: path.join(made, "cityjson.js") });
  mkdirSync(path.join(made, "helpers"));
  await esbuild.build({ ...usual, plugins: [endings],
    entryPoints: [path.join(loader, "parsers/helpers/ParserWorker.js")],
    outfile: path.join(made, "helpers/ParserWorker.js") });
}

const server = createServer((asked, answer) => {
  const name = decodeURIComponent(new URL(asked.url, "http://localhost").pathname);
  const root = Object.keys(roots).find((start) => name.startsWith(start));
  const file = root && path.resolve(roots[root], name.slice(root.length));
  if (!file || !file.startsWith(path.resolve(roots[root]) + path.sep) || !statSync(file, { throwIfNoEntry: false })?.isFile()) {
    answer.writeHead(404).end();
    return;
  }
  answer.writeHead(200, { "Content-Type": kinds[path.extname(file)] ?? "application/octet-stream" });
  createReadStream(file).pipe(answer);
});
await new Promise((done) => server.listen(0, "127.0.0.1", done));
const origin = `http://127.0.0.1:${server.address().port}`;

const profile = path.join(made, "profile");
const context = await chromium.launchPersistentContext(profile, {
  executablePath: browser, headless: true, viewport: JSON.parse(readFileSync(request, "utf-8")).size,
  deviceScaleFactor: 1, timeout: 60_000,
  args: ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--js-flags=--max-old-space-size=8192"],
});
let failed = false;
try {
  const tab = await context.newPage();
  tab.on("pageerror", (error) => console.error(String(error)));
  tab.on("console", (message) => message.type() === "error" && console.error(message.text()));
  await tab.goto(`${origin}/page/${page}.html`);
  await tab.waitForFunction(() => window.measure !== undefined, undefined, { timeout: 60_000 });
  const wanted = { ...JSON.parse(readFileSync(request, "utf-8")), file: `/data/${path.basename(data)}` };
  const found = await tab.evaluate((asked) => window.measure(asked), wanted);
  await tab.screenshot({ path: picture });
  console.log(JSON.stringify(found));
} catch (error) {
  console.error(String(error));
  failed = true;
} finally {
  await context.close();
  server.close();
  server.closeAllConnections();
  rmSync(made, { recursive: true, force: true });
}
process.exit(failed ? 1 : 0);
