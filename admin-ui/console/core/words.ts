// What the console says: words/LANGUAGE/AREA.json, of which build.mjs makes one file per language. The reader's is fetched at the beginning; English gives
// the keys their types. The build puts numbers in place of the keys that are written out in the source (admin-ui/words.mjs), so a key has to be written out
// whole, or as `area.beginning_${rest}`. A new area: words/en/AREA.json, words/de/AREA.json, and its type here.
//
//   t('agents.title')                      typed: a key that is not there does not compile
//   t('agents.added', { n: 3 })            agents.added_one, agents.added_other: chosen by n
//   tx('overview.sent', { link: <a/> })    a sentence with elements in it
//   tr(`state.${state}`, {}, state)        a key that is known only at run time, and what stands for it when there is none
import { signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import type agents from '../words/en/agents.json';
import type calls from '../words/en/calls.json';
import type firstrun from '../words/en/firstrun.json';
import type network from '../words/en/network.json';
import type overview from '../words/en/overview.json';
import type people from '../words/en/people.json';
import type settings from '../words/en/settings.json';
import type shell from '../words/en/shell.json';
import type state from '../words/en/state.json';
import type trunks from '../words/en/trunks.json';
import { keep, kept } from './keep';

interface English {
    agents: typeof agents;
    calls: typeof calls;
    firstrun: typeof firstrun;
    network: typeof network;
    overview: typeof overview;
    people: typeof people;
    settings: typeof settings;
    shell: typeof shell;
    state: typeof state;
    trunks: typeof trunks;
}

type Area = keyof English;
type Base<K> = K extends `${infer B}_other` ? B : K extends `${string}_one` ? never : K;
export type Key = { [A in Area]: `${A}.${Base<keyof English[A] & string>}` }[Area];
export type Params = Record<string, string | number>;

declare const WORDS: Record<string, string>; // the file of each language, by build.mjs

export const languages: Record<string, string> = { en: 'English', de: 'Deutsch' };
export const language = signal('en');
const dictionary = signal<Record<string, string | Record<string, string>>>({}); // text, or texts by plural form
let plurals = new Intl.PluralRules('en');

function find(key: string, n: unknown): string | undefined {
    const found = dictionary.value[key];

    return typeof found === 'object' ? (found[plurals.select(Number(n))] ?? found['other']) : found;
}

// What the server says in English, in the reader's language: by its code and what its sentence names. Other languages than English have it in words/LANGUAGE/server.json
// (attention_CODE, advice_KIND, meaning_SETTING; verdict_CODE is title, cause and advice, a line each); what is not there stays English.
export function said(name: string, english: string, params: Params = {}): string {
    return find(`server.${name}`, params['n'])?.replace(/\{(\w+)\}/g, (all, word) => (typeof params[word] === 'number' ? num(params[word], 1, 0) : params[word] ?? all)) ?? english;
}

const shown = (value: string | number) => (typeof value === 'number' ? num(value) : value);

export function tr(key: string, params: Params = {}, otherwise = key): string {
    return (find(key, params['n']) ?? otherwise).replace(/\{(\w+)\}/g, (all, name) => (name in params ? shown(params[name]!) : all));
}

export const t = (key: Key, params?: Params) => tr(key, params);

export function tx(key: Key, params: Record<string, ComponentChildren>): ComponentChildren[] {
    return (find(key, params['n']) ?? key).split(/\{(\w+)\}/).map((part, i) => (i % 2 ? params[part] : part));
}

export async function speak(wanted: string): Promise<void> {
    const [numbered, named] = await (await fetch(`/admin/${WORDS[wanted]}`)).json();

    dictionary.value = { ...numbered, ...named };
    plurals = new Intl.PluralRules(wanted);
    language.value = wanted;
    document.documentElement.lang = wanted;
}

export function choose(wanted: string): void {
    keep('language', wanted);
    void speak(wanted).catch(() => {});
}

// As chosen here before, or as the browser is set. Without words there is nothing to show: it is tried again until they come.
export async function speakAtFirst(): Promise<void> {
    const wanted = kept('language') ?? navigator.language.slice(0, 2);

    for (;;) {
        try {
            return await speak(WORDS[wanted] ? wanted : 'en');
        } catch {
            await new Promise((done) => setTimeout(done, 1000));
        }
    }
}

// ---- numbers and times, as the reader writes them

const formats = new Map<string, Intl.NumberFormat>();

export function num(value: number, digits = 0, least = digits): string {
    const key = `${language.value} ${digits} ${least}`;
    let format = formats.get(key);

    if (!format) formats.set(key, (format = new Intl.NumberFormat(language.value, { maximumFractionDigits: Math.max(digits, least), minimumFractionDigits: least })));
    return format.format(value);
}

function scaled(value: number, step: number, units: string[]): string {
    let i = 0;

    for (; value >= step * 0.9995 && i < units.length - 1; i++) value /= step;
    return `${num(value, i && value < 10 ? 1 : 0)} ${units[i]}`;
}

export const bytes = (n: number) => scaled(n, 1024, ['B', 'kB', 'MB', 'GB', 'TB']);
export const bits = (n: number) => scaled(n, 1000, ['bit/s', 'kbit/s', 'Mbit/s', 'Gbit/s']);
export const percent = (n: number, digits = 0) => `${num(n, digits, 0)} %`;

// A time of a round trip: never 0.
export const millis = (ms: number) => (ms < 1 ? '< 1 ms' : `${num(ms)} ms`);

// 5m 23s, 2h 5m, 3d 4h
export function duration(seconds: number): string {
    const s = Math.max(0, Math.round(seconds));
    const [d, h, m] = [Math.floor(s / 86400), Math.floor(s / 3600) % 24, Math.floor(s / 60) % 60];

    if (d) return h ? `${d}d ${h}h` : `${d}d`;
    if (h) return m ? `${h}h ${m}m` : `${h}h`;
    return m ? `${m}m ${s % 60}s` : `${s}s`;
}

// 0:07, 12:04, 1:02:03: of something that runs
export function clock(seconds: number): string {
    const s = Math.max(0, Math.floor(seconds));
    const two = (n: number) => String(n).padStart(2, '0');
    const h = Math.floor(s / 3600);

    return h ? `${h}:${two(Math.floor(s / 60) % 60)}:${two(s % 60)}` : `${Math.floor(s / 60)}:${two(s % 60)}`;
}

const say = (ms: number, options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language.value, { hourCycle: 'h23', ...options }).format(ms);
const sameDay = (a: Date, b: Date) => a.toDateString() === b.toDateString();

// The time of today, the day and time of another day.
export function when(ms: number, seconds = true): string {
    const time: Intl.DateTimeFormatOptions = { hour: '2-digit', minute: '2-digit', ...(seconds ? { second: '2-digit' } : {}) };
    const [at, now] = [new Date(ms), new Date()];

    if (sameDay(at, now)) return say(ms, time);
    return say(ms, { ...(at.getFullYear() === now.getFullYear() ? {} : { year: 'numeric' }), day: 'numeric', month: 'short', ...time });
}

export const day = (ms: number) => say(ms, { year: 'numeric', month: 'short', day: 'numeric' });
export const exact = (ms: number) => say(ms, { dateStyle: 'full', timeStyle: 'long' } as Intl.DateTimeFormatOptions);
