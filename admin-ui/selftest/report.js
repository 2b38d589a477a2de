// What was found, for people and for the gateway: pure.
import { resultWords, testNames, verdictLine } from './words.js';

/** @typedef {import('./types').Lines} Lines */

const NEEDED = ['microphone', 'speaker', 'wss', 'echo']; // without one of these there is no call

/** @param {Lines} lines */
export function verdictOf(lines) {
    if (NEEDED.some((name) => lines[name].result === 'bad')) return 'bad';
    return Object.values(lines).every(({ result }) => result === 'good' || result === 'skipped') ? 'good' : 'fair';
}

/** @param {Lines} lines */
export function reportOf(lines, { browser, system }) {
    const tests = Object.entries(lines).map(([name, { result, detail = '', advice = '', figures = {} }]) => ({
        name,
        result,
        detail: [detail, advice].filter(Boolean).join(' '),
        figures,
    }));

    return { browser, system, verdict: verdictOf(lines), tests };
}

// who: of which person and gateway. at: a Date.
/** @param {Lines} lines */
export function textOf(lines, { browser, system, who, version, host, at }) {
    const rows = Object.entries(lines).flatMap(([name, { result, detail, advice }]) => [
        `${resultWords[result]}: ${testNames[name]}. ${detail ?? ''}`,
        ...(advice ? [`    What to do: ${advice}`] : []),
    ]);
    const from = [who, browser, system].filter(Boolean).join(' · ');

    return [`dngate self-test: ${verdictLine[verdictOf(lines)]}`, `${at.toLocaleString()} · ${host}${version ? ` (dngate ${version})` : ''}`, from, '', ...rows, ''].join('\n');
}
