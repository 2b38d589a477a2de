// Debian's Firefox, headless, by WebDriver BiDi: as much of it as the tests of the agent page need, shaped like Playwright's page.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WebSocket } from '../../ui/lib/npm.mjs';

const TIMEOUT_MS = 30000;
const COLD_START_MS = 90000;

const prefs = {
    'media.navigator.permission.disabled': true,
    'media.navigator.streams.fake': true,
    'media.autoplay.default': 0,
    'app.update.enabled': false,
    'browser.shell.checkDefaultBrowser': false,
    'datareporting.policy.dataSubmissionEnabled': false,
    'toolkit.telemetry.enabled': false,
    'network.captive-portal-service.enabled': false,
    'network.connectivity-service.enabled': false,
    'network.proxy.type': 0,
};

export class Firefox {
    #child;
    #socket;
    #profile = mkdtempSync(join(tmpdir(), 'dngate-firefox-'));
    #waiting = new Map();
    #id = 0;

    // more: preferences besides.
    static async launch(more = {}) {
        const firefox = new Firefox();
        try {
            await firefox.#start({ ...prefs, ...more });
        } catch (error) {
            await firefox.close();
            throw error;
        }
        return firefox;
    }

    async #start(all) {
        const lines = Object.entries(all).map(([name, value]) => `user_pref("${name}", ${JSON.stringify(value)});`);
        writeFileSync(join(this.#profile, 'user.js'), lines.join('\n'));
        this.#child = spawn(
            process.env.FIREFOX_BIN ?? 'firefox-esr',
            ['--headless', '--no-remote', '--profile', this.#profile, '--remote-debugging-port=0', 'about:blank'],
            { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, HOME: this.#profile, MOZ_CRASHREPORTER_DISABLE: '1' } },
        );
        this.#socket = new WebSocket(`${await this.#address()}/session`);
        this.#socket.on('message', (data) => this.#received(JSON.parse(data)));
        await once(this.#socket, 'open');
        await this.send('session.new', { capabilities: { alwaysMatch: { acceptInsecureCerts: true } } });
    }

    #address() {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject(new Error('Firefox did not open its debugging port')), COLD_START_MS);
            this.#child.once('error', reject);
            this.#child.once('exit', (code) => reject(new Error(`Firefox ended with ${code}`)));
            createInterface({ input: this.#child.stderr }).on('line', (line) => {
                const url = /WebDriver BiDi listening on (ws:\S+)/.exec(line)?.[1];
                if (!url) return;
                clearTimeout(timer);
                resolve(url);
            });
        });
    }

    #received({ id, type, result, error, message }) {
        const { resolve, reject } = this.#waiting.get(id) ?? {};

        this.#waiting.delete(id);
        if (type === 'error') reject?.(new Error(`${error}: ${message}`));
        else resolve?.(result);
    }

    send(method, params) {
        return new Promise((resolve, reject) => {
            this.#waiting.set(++this.#id, { resolve, reject });
            this.#socket.send(JSON.stringify({ id: this.#id, method, params }));
        });
    }

    async newPage() {
        const { context } = await this.send('browsingContext.create', { type: 'tab' });
        return new Page(this, context);
    }

    async close() {
        const child = this.#child;

        if (child && child.exitCode === null && child.signalCode === null) {
            const gone = once(child, 'exit');
            child.kill('SIGTERM');
            const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
            await gone;
            clearTimeout(timer);
        }
        this.#socket?.terminate();
        rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
    }
}

class Page {
    #firefox;
    #context;

    constructor(firefox, context) {
        this.#firefox = firefox;
        this.#context = context;
    }

    setDefaultTimeout() {}

    addInitScript(fn, arg) {
        const argument = JSON.stringify(arg ?? null);
        return this.#firefox.send('script.addPreloadScript', { functionDeclaration: `() => (${fn})(${argument})` });
    }

    goto(url) {
        return this.#firefox.send('browsingContext.navigate', { context: this.#context, url, wait: 'complete' });
    }

    // With the rights of a user's click.
    async evaluate(fn, arg = null) {
        const { type, result, exceptionDetails } = await this.#firefox.send('script.evaluate', {
            expression: `(async () => JSON.stringify(await (${fn})(${JSON.stringify(arg)})) ?? 'null')()`,
            target: { context: this.#context },
            awaitPromise: true,
            userActivation: true,
        });
        if (type === 'exception') throw new Error(exceptionDetails.text);
        return JSON.parse(result.value);
    }

    async waitForFunction(fn) {
        for (const end = Date.now() + TIMEOUT_MS; Date.now() < end; ) {
            if (await this.evaluate(`async () => {
                for (const end = Date.now() + 2000; Date.now() < end; await new Promise((r) => setTimeout(r, 50))) {
                    if (await (${fn})()) return true;
                }
                return false;
            }`)) return;
        }
        throw new Error(`timeout: ${fn}`);
    }

    // A visible element that has the text.
    locator(selector, { hasText = '' } = {}) {
        const [s, t] = [selector, hasText].map((x) => JSON.stringify(x));
        return {
            waitFor: () => this.waitForFunction(`() => [...document.querySelectorAll(${s})].some((e) => e.checkVisibility() && e.textContent.includes(${t}))`),
        };
    }

    async fill(selector, value) {
        await this.locator(selector).waitFor();
        await this.evaluate(({ s, v }) => void (document.querySelector(s).value = v), { s: selector, v: value });
    }

    async click(selector) {
        await this.locator(`${selector}:enabled`).waitFor();
        await this.evaluate((s) => document.querySelector(s).click(), selector);
    }
}
