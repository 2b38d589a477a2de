import { Problem } from '../core/api';
import { setUp } from '../core/session';
import { t } from '../core/words';
import { Field, Form, useForm } from '../parts/form';
import { dropToken } from './at';
import type { StepProps } from './step';

export function Administrator({ token }: StepProps) {
    const form = useForm({ name: 'admin', password: '', again: '' });
    const send = async ({ name, password, again }: typeof form.values) => {
        if (password !== again) throw new Problem(422, '', { again: t('firstrun.notTheSame') });
        await setUp({ token, name: name.trim(), password });
        dropToken();
    };

    return (
        <div class="card step-card">
            <Form form={form} send={send} button={t('firstrun.adminButton')}>
                <Field name="name" label={t('shell.name')} help={t('firstrun.nameHelp')} autocomplete="username" first />
                <Field name="password" label={t('shell.password')} help={t('firstrun.passwordHelp')} type="password" autocomplete="new-password" />
                <Field name="again" label={t('firstrun.again')} type="password" autocomplete="new-password" />
            </Form>
        </div>
    );
}
