// The certificate: how long it lasts, whose it is; a request, an upload, and the way back to the box's own.
import { api, may, save } from '../core/api';
import { useLoad } from '../core/load';
import type { Certificate } from '../core/types';
import { day, t } from '../core/words';
import { begin, bytesOf, doing, end, wrong } from '../parts/act';
import { Card, Copy, Facts, Failed, Note } from '../parts/bits';
import { Dialog, ask } from '../parts/dialog';
import { Field, Form, useForm, type FormState } from '../parts/form';
import { State } from '../parts/state';
import { Time } from '../parts/time';
import { attempt, toast } from '../parts/toast';
import { useState } from 'preact/hooks';

const SOON_DAYS = 30;

function PemFile({ form, name }: { form: FormState<{ certificate: string; key: string }>; name: 'certificate' | 'key' }) {
    return (
        <label class="file">
            {t('network.file')}
            <input
                type="file"
                accept=".pem,.crt,.cer,.key"
                onChange={async (event) => {
                    const bytes = await bytesOf(event.currentTarget.files?.[0]);
                    if (bytes) form.set({ [name]: new TextDecoder().decode(bytes) });
                }}
            />
        </label>
    );
}

function Upload({ done, close }: { done: () => void; close: () => void }) {
    const form = useForm({ certificate: '', key: '' }, { id: 'certificate', secret: ['key'] });

    return (
        <Dialog title={t('network.cert_upload')} wide onClose={close}>
            <Form
                form={form}
                button={t('network.cert_use')}
                send={async ({ certificate, key }) => {
                    wrong({
                        certificate: !certificate.includes('-----BEGIN CERTIFICATE-----') && t('network.cert_not_pem'),
                        key: key.trim() && !/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(key) && t('network.cert_key_not_pem'),
                    });
                    await api.put('/certificate', { certificate, ...(key.trim() && { key }) });
                    toast(t('network.cert_used'));
                    done();
                    close();
                }}
            >
                <p class="dim">{t('network.cert_upload_help')}</p>
                <Field name="certificate" type="textarea" rows={6} label={t('network.cert_pem')} required first />
                <PemFile form={form} name="certificate" />
                <Field name="key" type="textarea" rows={4} label={t('network.cert_key')} help={t('network.cert_key_help')} />
                <PemFile form={form} name="key" />
            </Form>
        </Dialog>
    );
}

function Request({ names, close }: { names: string[]; close: () => void }) {
    const form = useForm({ names: names.join(' '), organization: '' }, { id: 'csr' });
    const [csr, setCsr] = useState('');

    return (
        <Dialog title={t('network.cert_csr')} onClose={close}>
            {csr ? (
                <>
                    <pre class="mono" tabIndex={0}>
                        {csr}
                    </pre>
                    <div class="buttons">
                        <Copy text={csr} label={t('network.copy')} />
                        <button type="button" class="primary" onClick={() => save('dngate.csr', csr, 'application/pkcs10')}>
                            {t('network.cert_csr_download')}
                        </button>
                    </div>
                </>
            ) : (
                <Form
                    form={form}
                    button={t('network.cert_csr_do')}
                    send={async (v) => {
                        const list = v.names.split(/[\s,]+/).filter(Boolean);
                        wrong({ names: !list.length && t('agents.range_empty') });
                        setCsr((await api.post<{ csr: string }>('/certificate/csr', { names: list, ...(v.organization && { organization: v.organization }) })).csr);
                    }}
                >
                    <p class="dim">{t('network.cert_csr_help')}</p>
                    <Field name="names" label={t('network.cert_csr_names')} help={t('network.cert_csr_names_help')} required first />
                    <Field name="organization" label={t('network.cert_csr_org')} />
                </Form>
            )}
        </Dialog>
    );
}

function Days({ c }: { c: Certificate }) {
    if (c.days < 0) return <State kind="bad">{t('network.cert_over', { day: day(c.not_after_ms) })}</State>;
    return <State kind={c.days < 7 ? 'bad' : c.days < SOON_DAYS ? 'wait' : 'good'}>{t('network.cert_days', { n: c.days, day: day(c.not_after_ms) })}</State>;
}

export function CertificateCard() {
    const { data: c, error, reload } = useLoad<Certificate>('/certificate');
    const admin = may('admin');
    const what = doing();

    return (
        <Card title={t('network.certificate')}>
            {error && <Failed error={error} retry={reload} />}
            {c && (
                <>
                    <p class="wraps">
                        <Days c={c} />
                    </p>
                    {c.warning && <Note kind="warn">{c.warning}</Note>}
                    {c.locked && <p>{t('network.cert_locked')}</p>}
                    {c.requested && <p>{t('network.cert_requested')}</p>}
                    {!(c.own && c.warning) && <p>{c.own ? t('network.cert_own') : t('network.cert_foreign', { issuer: c.issuer })}</p>}
                    <Facts
                        of={[
                            [t('network.cert_names'), c.names.join(', ')],
                            [t('network.cert_subject'), c.subject],
                            [t('network.cert_issuer'), c.issuer],
                            [t('network.cert_from'), <Time ms={c.not_before_ms} how="day" />],
                            [t('network.cert_to'), <Time ms={c.not_after_ms} how="day" />],
                            [t('network.cert_chain'), c.chain.length > 1 && c.chain.join(' → ')],
                            [t('network.cert_fingerprint'), <span class="mono breaks">{c.fingerprint}</span>],
                        ]}
                    />
                    {admin && !c.locked && (
                        <div class="buttons">
                            <button type="button" onClick={() => begin('certificate')}>
                                {t('network.cert_upload')}
                            </button>
                            <button type="button" onClick={() => begin('csr')}>
                                {t('network.cert_csr')}
                            </button>
                            {!c.own && (
                                <button
                                    type="button"
                                    class="danger quiet"
                                    onClick={async () => {
                                        if (!(await ask({ title: t('network.cert_back_title'), text: <p>{t('network.cert_back_ask')}</p>, button: t('network.cert_back') }))) return;
                                        await attempt(() => api.remove('/certificate'), t('network.cert_back_done'));
                                        void reload();
                                    }}
                                >
                                    {t('network.cert_back')}
                                </button>
                            )}
                        </div>
                    )}
                    {admin && what === 'certificate' && <Upload done={reload} close={() => end()} />}
                    {admin && what === 'csr' && <Request names={c.names} close={() => end()} />}
                </>
            )}
        </Card>
    );
}
