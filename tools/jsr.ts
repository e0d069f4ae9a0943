/**
 * Where the JSR packages come from: JSR, or an npm mirror where JSR is out of reach.
 *
 * @module
 */

/** Set for child processes, so that one look at JSR serves a whole task. */
const OFFLINE = "CLASSVIP_OFFLINE";

const ROOT = new URL("..", import.meta.url).pathname;

/** Whether JSR (or the mirror of it that JSR_URL names) answers within two seconds. */
export async function jsrAnswers(
  url = Deno.env.get("JSR_URL") ?? "https://jsr.io",
): Promise<boolean> {
  try {
    const response = await fetch(new URL("/@std/log/meta.json", url), {
      signal: AbortSignal.timeout(2000),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/**
 * The options with which every `deno` command of this project that loads dependencies starts.
 *
 * With JSR, work goes on with a copy of the lock file: it gains the JSR part, which the file in the
 * repository cannot have as long as it is made without JSR.
 */
export async function dependencyFlags(): Promise<string[]> {
  let offline = Deno.env.get(OFFLINE);
  if (offline === undefined) {
    offline = await jsrAnswers() ? "0" : "1";
    Deno.env.set(OFFLINE, offline);
    if (offline === "1") {
      console.error("JSR does not answer: taking its packages from npm (tools/offline.json)");
    }
  }
  if (offline === "1") return [`--import-map=${ROOT}tools/offline.json`, "--frozen"];
  const lock = `${ROOT}.cache/deno.lock`;
  await Deno.mkdir(`${ROOT}.cache`, { recursive: true });
  await Deno.copyFile(`${ROOT}deno.lock`, lock);
  return [`--lock=${lock}`];
}
