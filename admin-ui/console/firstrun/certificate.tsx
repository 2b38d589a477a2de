// The certificate: the box's own is kept for a trial; an own one is uploaded, or asked for by a CSR.
import { useState } from 'preact/hooks';
import { api, save } from '../core/api';
import { useLoad } from '../core/load';
import type { Certificate } from '../core/types';
import { t, tx } from '../core/words';
import { Copy, Facts, Failed, Note } from '../parts/bits';
import { Field, Form, useForm } from '../parts/form';
import { Time } from '../parts/time';
import { toast } from '../parts/toast';
import { Onward, type StepProps } from './step';

function Upload({ put }: { put: (now: Certificate) => void }) {
    const form = useForm({ certificate: '', key: '' }, { id: 'first-certificate', secret: ['key'] });

    return (
        <Form
            form={form}
            button={t('firstrun.upload')}
            send={async ({ certificate, key }) => {
                put(await api.put<Certificate>('/certificate', { certificate, ...(key.trim() ? { key } : {}) }));
                toast(t('firstrun.uploaded'));
            }}
        >
            <Field name="certificate" type="textarea" rows={6} label={t('firstrun.pem')} help={t('firstrun.pemHelp')} placeholder="-----BEGIN CERTIFICATE-----" />
            <Field name="key" type="textarea" rows={4} label={t('firstrun.key')} help={t('firstrun.keyHelp')} placeholder="-----BEGIN PRIVATE KEY-----" />
        </Form>
    );
}

function Csr({ names }: { names: string[] }) {
    const form = useForm({ names: names.join(', '), organization: '' });
    const [csr, setCsr] = useState('');

    return (
        <>
            <Form
                form={form}
                button={t('firstrun.makeCsr')}
                send={async ({ names, organization }) => {
                    const list = names.split(/[\s,]+/).filter(Boolean);
                    setCsr((await api.post<{ csr: string }>('/certificate/csr', { names: list, ...(organization ? { organization } : {}) })).csr);
                }}
            >
                <Field name="names" label={t('firstrun.names')} help={t('firstrun.namesHelp')} />
                <Field name="organization" label={t('firstrun.organization')} />
            </Form>
            {csr && (
                <div class="csr">
                    <pre tabIndex={0}>{csr}</pre>
                    <div class="buttons">
                        <Copy text={csr} label={t('shell.copy')} />
                        <button type="button" class="plain" onClick={() => save('dngate.csr', csr)}>
                            {t('firstrun.download')}
                        </button>
                    </div>
                    <p class="small dim">{t('firstrun.csrNext')}</p>
                </div>
            )}
        </>
    );
}

export function CertificateStep({ next, skip }: StepProps) {
    const certificate = useLoad<Certificate>('/certificate');
    const c = certificate.data;

    if (certificate.error && !c)
        return (
            <>
                <Failed error={certificate.error} retry={certificate.reload} />
                <Onward next={next} skip={skip} />
            </>
        );
    return (
        <>
            {c && (
                <div class="card step-card">
                    {c.own ? <Note kind="warn">{t('firstrun.own')}</Note> : <Note kind="good">{tx('firstrun.signed', { issuer: <b>{c.issuer}</b> })}</Note>}
                    <Facts
                        of={[
                            [t('firstrun.certFor'), c.names.join(', ') || c.subject],
                            [t('firstrun.certEnds'), <Time ms={c.not_after_ms} how="day" />],
                        ]}
                    />
                    <details class="fold">
                        <summary>{t('firstrun.uploadOwn')}</summary>
                        <Upload put={certificate.set} />
                    </details>
                    <details class="fold">
                        <summary>{t('firstrun.askForOne')}</summary>
                        <Csr names={c.names} />
                    </details>
                </div>
            )}
            <Onward next={next} skip={c?.own ? skip : undefined} button={c?.own ? t('firstrun.keepOwn') : t('firstrun.next')} />
        </>
    );
}
