// What a setting takes, before the gateway is asked: pure.

import type { Setting } from '../core/types';

export type SettingTrouble = { what: 'number' | 'range' | 'choice' | 'long' | 'short'; min?: number; max?: number } | null;

export function check(s: Pick<Setting, 'type' | 'min' | 'max' | 'choices'>, value: string): SettingTrouble {
    if (s.type === 'int') {
        if (!/^-?\d+$/.test(value.trim())) return { what: 'number', min: s.min, max: s.max };
        const n = Number(value);
        return n < s.min || n > s.max ? { what: 'range', min: s.min, max: s.max } : null;
    }
    if (s.type === 'enum') return s.choices.includes(value) ? null : { what: 'choice' };
    if (s.type === 'bool') return null;
    const bytes = new TextEncoder().encode(value).length;
    if (s.max && bytes > s.max) return { what: 'long', max: s.max };
    return value && s.min && bytes < s.min ? { what: 'short', min: s.min } : null;
}

export const groupOf = (key: string): string => key.slice(0, key.indexOf('.'));

// The name by which the environment may say it.
export const environment = (key: string): string => `DNGATE_${key.toUpperCase().replaceAll('.', '_')}`;

export const isTrue = (value: string): boolean => /^(yes|true|on|1)$/i.test(value);

// Every word is somewhere in the key, the meaning or the value.
export function matches(s: Setting, q: string): boolean {
    const text = `${s.key} ${s.meaning} ${s.type === 'secret' ? '' : s.value}`.toLowerCase();
    return q.toLowerCase().split(/\s+/).every((w) => text.includes(w));
}
