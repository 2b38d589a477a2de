// Signing in, at first and again over whatever is open; and the ways to what needs no sign-in.
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem, away, session } from '../core/api';
import { setupState, signIn } from '../core/session';
import type { Setup } from '../core/types';
import { t, tx, when } from '../core/words';
import { Dialog } from '../parts/dialog';
import { Field, Form, useForm } from '../parts/form';
import { Icon } from '../parts/icon';
import { Note } from '../parts/bits';

function SignInForm({ name = '' }: { name?: string }) {
    const form = useForm({ name, password: '', code: '' });
    const [code, setCode] = useState(false);

    const send = async ({ name, password, code: digits }: typeof form.values) => {
        try {
            await signIn({ name: name.trim(), password, ...(digits ? { code: digits.replace(/\s/g, '') } : {}) });
        } catch (error) {
            if (!(error instanceof Problem)) throw error;
            if (error.more['totp'] && !code) {
                setCode(true);
                throw new Problem(401, '', { code: t('shell.codeWanted') });
            }
            if (error.status === 401) throw new Problem(401, '', code ? { code: t('shell.codeWrong') } : { password: t('shell.wrongPassword') });
            throw error;
        }
    };
    return (
        <Form form={form} send={send} button={t('shell.signIn')}>
            {!name && <Field name="name" label={t('shell.name')} autocomplete="username" first />}
            <Field name="password" label={t('shell.password')} type="password" autocomplete="current-password" first={!!name} />
            {code && <Field name="code" label={t('shell.code')} help={t('shell.codeHelp')} autocomplete="one-time-code" />}
        </Form>
    );
}

export function SignIn({ foot }: { foot: ComponentChildren }) {
    const [setup, setSetup] = useState<Setup | null>(null);

    useEffect(() => {
        document.title = `${t('shell.signIn')} · dngate`;
        setupState().then(setSetup, () => {});
        document.querySelector<HTMLElement>('.door input')?.focus();
    }, [away.value === 0]);
    return (
        <main class="door">
            <div class="door-card">
                <h1 class="brand">
                    <img src="/favicon.svg" alt="" width="34" height="34" />
                    <span>dngate</span>
                </h1>
                <p class="dim">{location.hostname}</p>
                {away.value > 0 && <Note kind="bad">{t('shell.away', { time: when(away.value) })}</Note>}
                {setup?.open ? (
                    <Note>
                        <p>
                            <b>{t('shell.noAdmin')}</b>
                        </p>
                        <p>{tx('shell.noAdminHelp', { command: <code>dngate setup-link</code> })}</p>
                    </Note>
                ) : (
                    <SignInForm />
                )}
                {setup?.lab && <p class="dim small">{t('shell.labTitle')}</p>}
            </div>
            <ul class="door-links">
                <li>
                    <a href="/index-agent-dn.html">
                        <Icon name="agents" /> {t('shell.toPhone')}
                    </a>
                </li>
                <li>
                    <a href="/selftest.html">
                        <Icon name="check" /> {t('shell.toSelftest')}
                    </a>
                </li>
                <li>{foot}</li>
            </ul>
        </main>
    );
}

export function SignInAgain() {
    const who = session.value!;

    return (
        <Dialog title={t('shell.again')}>
            <p class="dim">{t('shell.againHelp', { name: who.name })}</p>
            <SignInForm name={who.name} />
            <p class="small">
                <a href="/admin/" onClick={(event) => (event.preventDefault(), location.assign('/admin/'))}>
                    {t('shell.someoneElse')}
                </a>
            </p>
        </Dialog>
    );
}
