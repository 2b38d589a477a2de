// A trunk's form, for a new one and for one that there is.
import { api } from '../core/api';
import type { Trunk } from '../core/types';
import { t } from '../core/words';
import { about, whole, wrong } from '../parts/act';
import { Field, Form, useForm } from '../parts/form';
import { fresh, listOf, usualPort, validHost, validName, type TrunkValues } from '../pure/trunk';

interface Props {
    of?: Trunk;
    etag?: string;
    done: (name: string) => void | Promise<void>;
    reload?: () => void;
}

export function TrunkForm({ of, etag, done, reload }: Props) {
    const start: TrunkValues = of ? { ...of, password: '', codecs: of.codecs.join(', ') } : fresh;
    const form = useForm<TrunkValues & Record<string, unknown>>(start as never, { id: `trunk-${of?.name ?? ''}`, secret: ['password'] });

    return (
        <Form
            form={form}
            button={of ? t('trunks.save') : t('trunks.add_do')}
            onReload={() => {
                form.reset();
                reload?.();
            }}
            send={async ({ name, host, port, transport, username, password, codecs, ptime, ping_seconds, registers, enabled, tls_ca, tls_name, tls_cert }) => {
                wrong({
                    name: !of && !validName(name) && t('trunks.name_bad'),
                    host: !validHost(host.trim()) && t('trunks.host_bad'),
                    port: port !== '' && !whole(port, 1, 65535) && t('trunks.port_bad'),
                    ping_seconds: !whole(ping_seconds, 0, 3600) && t('trunks.ping_bad'),
                });
                const body = { host: host.trim(), port: port || usualPort(transport), transport, username, codecs: listOf(codecs), ptime: Number(ptime), ping_seconds, registers, enabled, ...(transport === 'tls' && { tls_ca: tls_ca.trim(), tls_name: tls_name.trim(), tls_cert: tls_cert.trim() }), ...(password && { password }) };
                await (of ? api.patch(`/trunks/${encodeURIComponent(of.name)}`, body, etag) : about('name', api.post('/trunks', { name, ...body })));
                await done(name);
            }}
        >
            {!of && <Field name="name" label={t('trunks.name')} help={t('trunks.name_help')} placeholder="genesys" required first />}
            <div class="field-row">
                <Field name="host" label={t('trunks.host')} help={t('trunks.host_help')} required />
                <Field name="port" type="number" label={t('trunks.port')} placeholder={String(usualPort(form.values.transport))} min={1} max={65535} />
            </div>
            <div class="field-row">
                <Field
                    name="transport"
                    type="select"
                    label={t('trunks.transport')}
                    options={[
                        ['udp', 'UDP'],
                        ['tcp', 'TCP'],
                        ['tls', 'TLS'],
                    ]}
                />
                <Field name="codecs" label={t('trunks.codecs')} help={t('trunks.codecs_help')} />
                <Field
                    name="ptime"
                    type="select"
                    label={t('trunks.ptime')}
                    help={t('trunks.ptime_help')}
                    options={['10', '20', '30', '40', '50', '60'].map((ms) => [ms, `${ms} ms`] as [string, string])}
                />
            </div>
            {form.values.transport === 'tls' && (
                <>
                    <div class="field-row">
                        <Field name="tls_name" label={t('trunks.tls_name')} help={t('trunks.tls_name_help')} placeholder={form.values.host} />
                        <Field name="tls_cert" label={t('trunks.tls_cert')} help={t('trunks.tls_cert_help')} />
                    </div>
                    <Field name="tls_ca" type="textarea" label={t('trunks.tls_ca')} help={t('trunks.tls_ca_help')} placeholder="-----BEGIN CERTIFICATE-----" />
                </>
            )}
            <div class="field-row">
                <Field name="username" label={t('trunks.username')} help={t('trunks.username_help')} />
                <Field name="password" type="password" label={t('trunks.password')} help={of?.password_set && t('trunks.password_kept')} autocomplete="new-password" />
            </div>
            <Field name="ping_seconds" type="number" label={t('trunks.ping_seconds')} help={t('trunks.ping_help')} min={0} max={3600} />
            <Field name="registers" type="checkbox" label={t('trunks.registers')} help={t('trunks.registers_help')} />
            <Field name="enabled" type="checkbox" label={t('trunks.enabled')} />
        </Form>
    );
}
