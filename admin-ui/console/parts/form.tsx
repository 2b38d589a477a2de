// Forms: label above, help below, the error at its field in words, and nothing that was typed is ever lost: a form with an `id` keeps what it holds (but no
// password) until it is sent, wherever its reader goes meanwhile.
//
//   const form = useForm({ name: '', port: 5060, password: '' }, { id: 'trunk-add', secret: ['password'] });
//   <Form form={form} button={t('trunks.add')} send={async (v) => { await api.post('/trunks', v); … }}>
//       <Field name="name" label={t('trunks.name')} help={t('trunks.nameHelp')} required />
//   </Form>
import { createContext, type ComponentChildren } from 'preact';
import { useContext, useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { Problem } from '../core/api';
import { t } from '../core/words';
import { Note } from './bits';

export type Values = Record<string, unknown>;
export interface FormState<V extends Values = Values> {
    values: V;
    errors: Record<string, string>;
    trouble: Problem | null; // what is nobody's field's fault
    busy: boolean;
    dirty: boolean;
    set: (changes: Partial<V>) => void;
    reset: (values?: V) => void;
    send: (how: (values: V) => Promise<unknown>) => Promise<boolean>;
}

const drafts = new Map<string, Values>();
const unsent = new Set<object>();

addEventListener('beforeunload', (event) => unsent.size && event.preventDefault());

export function useForm<V extends Values>(initial: V, { id = '', secret = [] as (keyof V & string)[] } = {}): FormState<V> {
    const start = useRef(initial);
    const [values, setValues] = useState<V>(() => ({ ...initial, ...(id ? (drafts.get(id) as Partial<V>) : {}) }));
    const [state, setState] = useState<{ errors: Record<string, string>; trouble: Problem | null; busy: boolean }>({ errors: {}, trouble: null, busy: false });
    const me = useRef({ values });
    const dirty = Object.keys(values).some((name) => values[name] !== start.current[name]);

    me.current.values = values;
    useEffect(() => {
        if (!dirty) return undefined;
        unsent.add(me);
        if (id) {
            const safe: Values = { ...values };
            for (const name of secret) delete safe[name];
            drafts.set(id, safe);
        }
        return () => void unsent.delete(me);
    }, [values, dirty]);

    const set = (changes: Partial<V>) => {
        me.current.values = { ...me.current.values, ...changes };
        setValues(me.current.values);
        setState((s) => ({ ...s, errors: Object.fromEntries(Object.entries(s.errors).filter(([name]) => !(name in changes))) }));
    };
    const reset = (next: V = start.current) => {
        start.current = next;
        if (id) drafts.delete(id);
        me.current.values = next;
        setValues(next);
        setState({ errors: {}, trouble: null, busy: false });
    };
    const send = async (how: (values: V) => Promise<unknown>) => {
        setState({ errors: {}, trouble: null, busy: true });
        try {
            const sent = me.current.values;
            await how(sent);
            if (id) drafts.delete(id);
            start.current = me.current.values;
            unsent.delete(me);
            setState({ errors: {}, trouble: null, busy: false });
            setValues((now) => ({ ...now }));
            return true;
        } catch (error) {
            if (!(error instanceof Problem)) {
                setState((s) => ({ ...s, busy: false }));
                throw error;
            }
            const known = Object.keys(error.errors).some((name) => name in me.current.values);
            setState({ errors: error.errors, trouble: known ? null : error, busy: false });
            return false;
        }
    };

    return { values, ...state, dirty, set, reset, send };
}

const Current = createContext<FormState>(null as unknown as FormState);

interface FormProps<V extends Values> {
    form: FormState<V>;
    send: (values: V) => Promise<unknown>;
    button: ComponentChildren;
    danger?: boolean;
    also?: ComponentChildren; // further buttons
    onReload?: () => void; // somebody else has changed it meanwhile: read it again
    children: ComponentChildren;
}

export function Form<V extends Values>({ form, send, button, danger, also, onReload, children }: FormProps<V>) {
    const element = useRef<HTMLFormElement>(null);
    const { errors, trouble } = form;
    // What is wrong with a field that is not shown here must still be said.
    const elsewhere = Object.entries(errors).filter(([name]) => !(name in form.values));

    useLayoutEffect(() => {
        element.current?.querySelector<HTMLElement>('[aria-invalid=true]')?.focus();
    }, [errors]);

    return (
        <form
            ref={element}
            noValidate
            class="form"
            onSubmit={(event) => {
                event.preventDefault();
                event.stopPropagation();
                if (!form.busy) void form.send(send);
            }}
        >
            <Current.Provider value={form as unknown as FormState}>
                {(trouble || elsewhere.length > 0) && (
                    <Note kind="bad">
                        {trouble?.status === 412 ? t('shell.changedMeanwhile') : trouble?.detail}
                        {elsewhere.map(([name, why]) => (
                            <p key={name}>
                                {name}: {why}
                            </p>
                        ))}{' '}
                        {trouble?.status === 412 && onReload && (
                            <button type="button" class="plain" onClick={onReload}>
                                {t('shell.showTheirs')}
                            </button>
                        )}
                    </Note>
                )}
                {children}
                <div class="buttons">
                    {also}
                    <button type="submit" class={danger ? 'danger' : 'primary'} aria-disabled={form.busy || undefined}>
                        {button}
                    </button>
                </div>
            </Current.Provider>
        </form>
    );
}

interface FieldProps {
    name: string;
    label: ComponentChildren;
    help?: ComponentChildren;
    type?: 'text' | 'password' | 'number' | 'select' | 'checkbox' | 'textarea' | 'search' | 'url';
    options?: [value: string, label: string][]; // of a select
    required?: boolean;
    disabled?: boolean;
    placeholder?: string;
    autocomplete?: string;
    min?: number;
    max?: number;
    rows?: number;
    unit?: string;
    first?: boolean; // has the focus when its dialog opens
}

export function Field({ name, label, help, type = 'text', options, required, disabled, placeholder, autocomplete = 'off', min, max, rows = 4, unit, first }: FieldProps) {
    const form = useContext(Current);
    const id = useId();
    const error = form.errors[name];
    const value = form.values[name];
    const [open, setOpen] = useState(false);
    const common = {
        id,
        name,
        disabled,
        autocomplete,
        required,
        spellcheck: false,
        'data-first': first || undefined,
        'aria-invalid': error ? ('true' as const) : undefined,
        'aria-describedby': `${error ? `${id}-error ` : ''}${help ? `${id}-help` : ''}` || undefined,
    };
    const said = (
        <>
            {error && (
                <p class="field-error" id={`${id}-error`}>
                    {error}
                </p>
            )}
            {help && (
                <p class="field-help" id={`${id}-help`}>
                    {help}
                </p>
            )}
        </>
    );

    if (type === 'checkbox')
        return (
            <div class="field check">
                <label for={id}>
                    <input {...common} type="checkbox" checked={!!value} onChange={(event) => form.set({ [name]: event.currentTarget.checked })} />
                    <span>{label}</span>
                </label>
                {said}
            </div>
        );
    const text = (event: { currentTarget: { value: string } }) => form.set({ [name]: event.currentTarget.value });
    return (
        <div class="field">
            <label for={id}>
                {label}
                {unit && <span class="dim"> ({unit})</span>}
            </label>
            {type === 'select' ? (
                <select {...common} value={String(value ?? '')} onChange={text}>
                    {options!.map(([option, name]) => (
                        <option key={option} value={option}>
                            {name}
                        </option>
                    ))}
                </select>
            ) : type === 'textarea' ? (
                <textarea {...common} rows={rows} placeholder={placeholder} value={String(value ?? '')} onInput={text} />
            ) : type === 'number' ? (
                <input
                    {...common}
                    type="number"
                    inputMode="numeric"
                    min={min}
                    max={max}
                    placeholder={placeholder}
                    value={String(value ?? '')}
                    onInput={(event) => form.set({ [name]: event.currentTarget.value === '' ? '' : Number(event.currentTarget.value) })}
                />
            ) : type === 'password' ? (
                <div class="with-button">
                    <input {...common} {...({ type: open ? 'text' : 'password' } as object)} autocapitalize="none" placeholder={placeholder} value={String(value ?? '')} onInput={text} />
                    <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
                        {t(open ? 'shell.hide' : 'shell.show')}
                    </button>
                </div>
            ) : (
                <input {...common} {...({ type } as object)} autocapitalize="none" placeholder={placeholder} value={String(value ?? '')} onInput={text} />
            )}
            {said}
        </div>
    );
}
