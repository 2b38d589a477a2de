// Hear it: the self-test's room, here, with a link made for this once; its last part is the echo call.
import { useEffect, useRef, useState } from 'preact/hooks';
import { loadSettings, saveSettings } from '../../shared/settings.js';
import { createTicker } from '../../shared/ticker.js';
import { api } from '../core/api';
import { Note } from '../parts/bits';
import { t } from '../core/words';
import { firstMade } from './agents';
import { Onward, type StepProps } from './step';

interface Room {
    enter: (credentials: { dn?: string; link?: string }) => void;
    close: () => void;
}

// Null: none could be made; the room then asks for a DN and its password.
async function makeLink(): Promise<string | null> {
    const made = await api.post<{ link?: string; url?: string; token?: string }>('/selftest-links', { note: t('firstrun.step_hear') }).catch(() => null);

    return made ? (made.token ?? (made.link ?? made.url ?? '').split('#')[1] ?? null) : null;
}

export function Hear({ next, skip }: StepProps) {
    const root = useRef<HTMLDivElement>(null);
    const [failed, setFailed] = useState(false);

    useEffect(() => {
        let room: Room | null = null;
        let over = false;
        const open = async () => {
            const [{ makeRoom }, link] = await Promise.all([import('/selftest-room.js'), makeLink()]);
            const settings = loadSettings();
            if (over) return;
            room = (await makeRoom(root.current!, { ticker: createTicker('/ticker-agent-dn.js'), settings, save: () => saveSettings(settings) })) as Room;
            if (over) return room.close();
            room.enter(link ? { link } : { dn: firstMade()?.dn });
        };
        open().catch(() => setFailed(true));
        return () => {
            over = true;
            room?.close();
        };
    }, []);
    return (
        <>
            {failed && <Note kind="bad">{t('firstrun.noRoom')}</Note>}
            <div ref={root} class="hear" />
            <Onward next={next} skip={skip} button={t('firstrun.finish')} primary={false} />
        </>
    );
}
