import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { findProgram } from "./find-program.ts";

/** The path of a Chromium on this machine; undefined if none is installed. */
export function findChromium(): string | undefined {
  return findProgram("chromium", "chromium-browser", "google-chrome");
}

/** One tab of a headless browser. */
export interface Tab {
  goto(url: string): Promise<void>;
  /** Shows pages as on a screen of this width, and in light or dark. */
  look(screen: { readonly width: number; readonly dark: boolean }): Promise<void>;
  /** A picture of the whole page, as PNG. */
  picture(): Promise<Uint8Array>;
  /** Puts a text in the place of the page's document. */
  show(html: string): Promise<void>;
  /** Forgets every session. */
  forgetCookies(): Promise<void>;
  /** Runs an expression in the page and returns its value; of a promise the one that it resolves to. */
  evaluate<T>(expression: string): Promise<T>;
  /** Waits until an expression is true in the page. */
  until(expression: string): Promise<void>;
  close(): Promise<void>;
}

const PATIENCE = 15_000;

/** Starts a headless browser with an empty profile, driven by the DevTools protocol. */
export async function openTab(chromium: string): Promise<Tab> {
  const profile = mkdtempSync(join(tmpdir(), "bakehouse-chromium-"));
  const flags = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
  ];
  const browser = spawn(
    chromium,
    [...flags, "--remote-debugging-port=0", `--user-data-dir=${profile}`, "about:blank"],
    { stdio: "ignore" },
  );
  // The file is there before its lines are: without its second one the port may not be whole.
  const port = await waitFor(
    () => /^([0-9]+)\n./.exec(readFileSync(join(profile, "DevToolsActivePort"), "utf8"))?.[1],
  );
  const listed = await fetch(`http://127.0.0.1:${port}/json/list`);
  const pages = (await listed.json()) as readonly { type: string; webSocketDebuggerUrl: string }[];
  const page = pages.find(({ type }) => type === "page");
  if (page === undefined) throw new Error("the browser has no page");
  const socket = new WebSocket(page.webSocketDebuggerUrl);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });

  interface Answer {
    readonly id?: number;
    readonly error?: { readonly message: string };
    readonly result?: {
      readonly result?: { readonly value?: unknown };
      readonly exceptionDetails?: object;
      readonly data?: string;
      readonly frameTree?: { readonly frame: { readonly id: string } };
    };
  }
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.onmessage = ({ data }) => {
    const answer: Answer = JSON.parse(String(data));
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  };
  let last = 0;
  async function send(method: string, params: object = {}): Promise<Answer> {
    const id = ++last;
    const answer = await new Promise<Answer>((resolve) => {
      waiting.set(id, resolve);
      socket.send(JSON.stringify({ id, method, params }));
    });
    waiting.delete(id);
    if (answer.error !== undefined) throw new Error(`${method}: ${answer.error.message}`);
    return answer;
  }

  async function evaluate<T>(expression: string): Promise<T> {
    const { result } = await send("Runtime.evaluate", {
      expression,
      returnByValue: true,
      awaitPromise: true,
    });
    if (result?.exceptionDetails !== undefined) throw new Error(`the page threw at ${expression}`);
    return result?.result?.value as T;
  }

  return {
    async goto(url) {
      await send("Page.navigate", { url });
    },
    async look({ width, dark }) {
      const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: false };
      await send("Emulation.setDeviceMetricsOverride", metrics);
      const features = [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }];
      await send("Emulation.setEmulatedMedia", { features });
    },
    async picture() {
      const { result } = await send("Page.captureScreenshot", { captureBeyondViewport: true });
      return Buffer.from(result?.data ?? "", "base64");
    },
    async show(html) {
      await send("Page.navigate", { url: "about:blank" });
      const { result } = await send("Page.getFrameTree");
      await send("Page.setDocumentContent", { frameId: result?.frameTree?.frame.id, html });
    },
    async forgetCookies() {
      await send("Network.clearBrowserCookies");
    },
    evaluate,
    async until(expression) {
      await waitFor(async () => {
        // While one page gives way to the next there is nothing to ask.
        const met = await evaluate<boolean>(`document.readyState === "complete" && (${expression})`).catch(
          () => false,
        );
        return met ? true : undefined;
      });
    },
    async close() {
      socket.close();
      const ended = new Promise((resolve) => browser.once("exit", resolve));
      browser.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function waitFor<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  const until = performance.now() + PATIENCE;
  for (;;) {
    const found = await Promise.resolve()
      .then(look)
      .catch(() => undefined);
    if (found !== undefined) return found;
    if (performance.now() > until) throw new Error("waited in vain for the browser");
    await sleep(50);
  }
}
