// Instead of a first run: all that another box, or this one, once was.
import { useState } from 'preact/hooks';
import { api, Problem } from '../core/api';
import { t } from '../core/words';
import { Note } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';

export function Restore({ onClose }: { onClose: () => void }) {
    const form = useForm({ passphrase: '', file: null as File | null }, { secret: ['passphrase'] });
    const [done, setDone] = useState(false);

    return (
        <Dialog title={t('firstrun.restore')} onClose={onClose}>
            {done ? (
                <>
                    <Note kind="good">{t('firstrun.restored')}</Note>
                    <div class="buttons">
                        <button type="button" class="primary" onClick={() => location.assign('/admin/')}>
                            {t('firstrun.toConsole')}
                        </button>
                    </div>
                </>
            ) : (
                <Form
                    form={form}
                    danger
                    button={t('firstrun.restoreButton')}
                    send={async ({ file, passphrase }) => {
                        if (!file) throw new Problem(422, '', { file: t('firstrun.chooseFile') });
                        await api.post('/restore', file, { type: 'application/octet-stream', headers: { 'X-Passphrase': encodeURIComponent(passphrase) } });
                        setDone(true);
                    }}
                >
                    <p>{t('firstrun.restoreHelp')}</p>
                    <div class="field">
                        <label for="backup-file">{t('firstrun.file')}</label>
                        <input id="backup-file" type="file" aria-invalid={form.errors['file'] ? 'true' : undefined} onChange={(event) => form.set({ file: event.currentTarget.files?.[0] ?? null })} />
                        {form.errors['file'] && <p class="field-error">{form.errors['file']}</p>}
                    </div>
                    <Field name="passphrase" type="password" label={t('firstrun.passphrase')} autocomplete="off" />
                </Form>
            )}
        </Dialog>
    );
}
