// A moment, as near as one needs it, in the reader's zone; the exact one on hover.
import { now } from '../core/live';
import { clock, day, duration, exact, t, when } from '../core/words';

type How = 'when' | 'day' | 'ago';

const texts: Record<How, (ms: number) => string> = {
    when: (ms) => when(ms),
    day: (ms) => day(ms),
    ago: (ms) => {
        const s = Math.round((now.value - ms) / 1000);

        if (Math.abs(s) < 5) return t('shell.justNow');
        return s < 0 ? t('shell.inTime', { time: duration(-s) }) : t('shell.ago', { time: duration(s < 60 ? s : s < 3600 ? s - (s % 60) : s).replace(/ 0s$/, '') });
    },
};

export const Time = ({ ms, how = 'when' }: { ms: number; how?: How }) =>
    ms ? (
        <time dateTime={new Date(ms).toISOString()} title={exact(ms)}>
            {texts[how](ms)}
        </time>
    ) : (
        <span class="dim">–</span>
    );

// How long something has been running: counts.
export const Running = ({ since }: { since: number }) =>
    since ? (
        <time class="figures" dateTime={new Date(since).toISOString()} title={exact(since)}>
            {clock((now.value - since) / 1000)}
        </time>
    ) : (
        <span class="dim">–</span>
    );
