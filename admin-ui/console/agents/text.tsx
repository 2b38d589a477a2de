// A list from a file that is chosen or dropped, or as text that is pasted.
import { useId, useState } from 'preact/hooks';
import { t } from '../core/words';
import { bytesOf } from '../parts/act';
import { decode } from '../pure/csv';

export function TextOrFile({ text, set, accept = '.csv,.txt,text/csv,text/plain' }: { text: string; set: (text: string) => void; accept?: string }) {
    const id = useId();
    const [over, setOver] = useState(false);
    const take = async (file: File | undefined | null) => {
        const bytes = await bytesOf(file);
        if (bytes) set(decode(bytes));
    };

    return (
        <div
            class="drop"
            data-over={over || undefined}
            onDragOver={(event) => {
                event.preventDefault();
                setOver(true);
            }}
            onDragLeave={() => setOver(false)}
            onDrop={(event) => {
                event.preventDefault();
                setOver(false);
                void take(event.dataTransfer?.files[0]);
            }}
        >
            <div class="field">
                <label for={`${id}f`}>{t('agents.import_file')}</label>
                <input id={`${id}f`} type="file" accept={accept} data-first onChange={(event) => void take(event.currentTarget.files?.[0])} />
            </div>
            <div class="field">
                <label for={`${id}t`}>{t('agents.import_paste')}</label>
                <textarea id={`${id}t`} class="mono" rows={5} spellcheck={false} value={text} onInput={(event) => set(event.currentTarget.value)} />
            </div>
        </div>
    );
}
