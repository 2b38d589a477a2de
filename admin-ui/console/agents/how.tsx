// How a DN is set: the fields that all forms of DNs have.
import type { Dn } from '../core/types';
import { t } from '../core/words';
import { whole } from '../parts/act';
import { Field } from '../parts/form';

export const codecs = ['auto', 'opus', 'pcmu', 'pcma'] as const;
export const codecOptions = (): [string, string][] => codecs.map((c) => [c, codecName(c)]);
export const codecName = (c: string) => (c === 'auto' ? t('agents.codec_auto') : c === 'opus' ? t('agents.codec_opus') : c === 'pcmu' ? t('agents.codec_pcmu') : t('agents.codec_pcma'));

export type How = Pick<Dn, 'codec' | 'auto_answer' | 'call_limit' | 'enabled'>;
export const usual: How = { codec: 'auto', auto_answer: false, call_limit: 0, enabled: true };
export const howOf = ({ codec, auto_answer, call_limit, enabled }: How): How => ({ codec, auto_answer, call_limit, enabled });
export const wrongHow = (v: { call_limit: unknown }) => ({ call_limit: !whole(v.call_limit, 0, 10) && t('agents.call_limit_bad') });

export const HowFields = () => (
    <>
        <div class="field-row">
            <Field name="codec" label={t('agents.codec')} help={t('agents.codec_help')} type="select" options={codecOptions()} />
            <Field name="call_limit" label={t('agents.call_limit')} help={t('agents.call_limit_help')} type="number" min={0} max={10} />
        </div>
        <Field name="auto_answer" label={t('agents.auto_answer')} help={t('agents.auto_answer_help')} type="checkbox" />
        <Field name="enabled" label={t('agents.may_sign_in')} type="checkbox" />
    </>
);
