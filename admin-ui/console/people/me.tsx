// The reader's own account: password, second factor, language.
import { useState } from 'preact/hooks';
import { api, session } from '../core/api';
import { t } from '../core/words';
import { wrong } from '../parts/act';
import { Card, Copy, Note } from '../parts/bits';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { State } from '../parts/state';
import { attempt, toast } from '../parts/toast';
import { qr } from '../pure/qr';
import { Frame } from './frame';

const MIN = 8;

function Password() {
    const form = useForm({ old: '', new: '', again: '' });

    return (
        <Card title={t('people.my_password')}>
            <Form
                form={form}
                button={t('people.password_change')}
                send={async (v) => {
                    wrong({ new: v.new.length < MIN && t('people.password_short'), again: v.again !== v.new && t('people.password_differs') });
                    await api.post('/session/password', { old: v.old, new: v.new });
                    toast(t('people.password_changed'));
                    setTimeout(() => form.reset({ old: '', new: '', again: '' }));
                }}
            >
                <Field name="old" type="password" label={t('people.old_password')} autocomplete="current-password" required />
                <Field name="new" type="password" label={t('people.password_new')} help={t('people.password_help')} autocomplete="new-password" required />
                <Field name="again" type="password" label={t('people.password_again')} autocomplete="new-password" required />
            </Form>
        </Card>
    );
}

function Qr({ text }: { text: string }) {
    const code = qr(text);
    return (
        code && (
            <svg class="qr" viewBox={`-4 -4 ${code.size + 8} ${code.size + 8}`} role="img" aria-label="QR">
                <path d={code.path} />
            </svg>
        )
    );
}

interface Offer {
    secret: string;
    uri: string;
}

const set = (totp: boolean) => (session.value = { ...session.value!, totp });

function TurnOn({ offer, done }: { offer: Offer; done: () => void }) {
    const form = useForm({ code: '' });
    const [codes, setCodes] = useState<string[] | null>(null);

    return (
        <Dialog title={t('people.totp')} onClose={codes ? undefined : done}>
            {codes ? (
                <>
                    <p>{t('people.totp_recovery')}</p>
                    <pre class="mono" tabIndex={0}>
                        {codes.join('\n')}
                    </pre>
                    <div class="buttons">
                        <Copy text={codes.join('\n')} label={t('people.copy')} />
                        <button type="button" class="primary" onClick={done}>
                            {t('people.have_it')}
                        </button>
                    </div>
                </>
            ) : (
                <Form
                    form={form}
                    button={t('people.totp_do')}
                    send={async ({ code }) => {
                        const digits = code.replace(/\s/g, '');
                        wrong({ code: !/^\d{6}$/.test(digits) && t('people.totp_code_bad') });
                        const { recovery } = await api.put<{ recovery?: string[] }>('/session/totp', { code: digits });
                        set(true);
                        toast(t('people.totp_done'));
                        if (recovery?.length) setCodes(recovery);
                        else done();
                    }}
                >
                    <p>{t('people.totp_scan')}</p>
                    <Qr text={offer.uri} />
                    <p class="once">
                        {t('people.totp_secret')}: <code>{offer.secret.replace(/(.{4})(?=.)/g, '$1 ')}</code> <Copy text={offer.secret} />
                    </p>
                    <Field name="code" label={t('people.totp_code')} autocomplete="one-time-code" required first />
                </Form>
            )}
        </Dialog>
    );
}

function TurnOff({ close }: { close: () => void }) {
    const form = useForm({ password: '' });

    return (
        <Dialog title={t('people.totp_off_title')} onClose={close}>
            <Form
                form={form}
                danger
                button={t('people.totp_off')}
                send={async (v) => {
                    await api.remove('/session/totp', { body: v });
                    set(false);
                    toast(t('people.totp_off_done'));
                    close();
                }}
            >
                <Note kind="warn">{t('people.totp_off_ask')}</Note>
                <Field name="password" type="password" label={t('people.password')} autocomplete="current-password" required first />
            </Form>
        </Dialog>
    );
}

function Totp() {
    const [offer, setOffer] = useState<Offer | null>(null);
    const [off, setOff] = useState(false);
    const on = session.value!.totp;

    return (
        <Card title={t('people.totp')} actions={<State kind={on ? 'good' : 'off'}>{on ? t('people.second_on') : t('people.second_off')}</State>}>
            <p>{t('people.totp_help')}</p>
            <div class="buttons">
                {on ? (
                    <button type="button" onClick={() => setOff(true)}>
                        {t('people.totp_off')}
                    </button>
                ) : (
                    <button type="button" class="primary" onClick={() => attempt(async () => setOffer(await api.post<Offer>('/session/totp')))}>
                        {t('people.totp_begin')}
                    </button>
                )}
            </div>
            {offer && <TurnOn offer={offer} done={() => setOffer(null)} />}
            {off && <TurnOff close={() => setOff(false)} />}
        </Card>
    );
}

export const Me = () => (
    <Frame role="readonly">
        <div class="two">
            <Password />
            <Totp />
        </div>
    </Frame>
);
