// How the figures of a call are written: those of its row and of its page.
import { duration, num, said, t, tr } from '../core/words';
import { State, type Kind } from '../parts/state';

const results: Record<string, Kind> = { answered: 'good', no_answer: 'wait', busy: 'wait', cancelled: 'off', refused: 'wait', failed: 'bad' };
const states: Record<string, Kind> = { calling: 'busy', ringing: 'busy', answered: 'good', held: 'wait', waits: 'wait', ending: 'off' };

export const Result = ({ result }: { result: string }) => <State kind={results[result] ?? 'off'}>{tr(`calls.result.${result}`, {}, result)}</State>;
export const CallState = ({ state }: { state: string }) => <State kind={states[state] ?? 'off'}>{tr(`calls.state.${state}`, {}, state)}</State>;
export const pathWords = (path: string) => (path ? tr(`calls.path.${path}`, {}, path) : '');
export const seconds = (s: number) => (s ? duration(s) : '–');

// Of how it sounds: under 3.6 some, under 3.1 many complain.
export const soundKind = (mos: number): Kind => (mos >= 3.6 ? 'good' : mos >= 3.1 ? 'wait' : 'bad');
export const Mos = ({ mos }: { mos: number | null | undefined }) =>
    mos ? <State kind={soundKind(mos)}>{num(mos, 1)}</State> : <span class="dim">–</span>;

// What was wrong with a call that is over; nothing of one that went well.
export const verdictOf = (call: { verdict: string; verdict_code: string; verdict_params: Record<string, string | number> }) =>
    call.verdict && said(`verdict_${call.verdict_code}`, call.verdict, call.verdict_params).split('\n')[0]!;

type Parties = { direction: string; dn: string; name?: string; caller: string; caller_name: string; callee: string };

// "in" of those that run, "inbound" of the database.
const incoming = (direction: string) => direction.startsWith('in');
export const directionWords = (direction: string) => t(incoming(direction) ? 'calls.direction.in' : 'calls.direction.out');

// Whom the agent's DN talks to: the name that they gave, and the number.
export const other = (call: Parties) => (incoming(call.direction) ? [call.caller_name, call.caller] : ['', call.callee]).filter(Boolean).join(' ') || '–';
export const agent = (call: Parties) => [call.dn, call.name].filter(Boolean).join(' ');

export const Way = ({ direction }: { direction: string }) => (
    <span class="way-in" title={directionWords(direction)}>
        <span aria-hidden="true">{incoming(direction) ? '←' : '→'}</span>
        <span class="unseen">{directionWords(direction)}</span>
    </span>
);

export const codecs = (browser: string, trunk: string) =>
    browser || trunk ? <span title={t('calls.codecs_of', { browser: browser || '–', trunk: trunk || '–' })}>{browser === trunk ? browser : `${browser || '–'} ⇄ ${trunk || '–'}`}</span> : <span class="dim">–</span>;
