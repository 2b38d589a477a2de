// Who is signed in.
import { Problem, api, call, resume, session } from './api';
import type { Session, Setup } from './types';
import { t } from './words';

export type Login = { name: string; password: string; code?: string };

// Null: nobody. Throws when the box does not answer.
export async function whoAmI(): Promise<Session | null> {
    try {
        return (await call<Session>('/session', { open: true })).data;
    } catch (error) {
        if (error instanceof Problem && error.status === 401) return null;
        throw error;
    }
}

export async function signIn(login: Login): Promise<void> {
    await entered(await api.post<Session>('/login', login, { open: true }));
}

// The first administrator, by the link that the box has printed.
export async function setUp(first: { token: string; name: string; password: string }): Promise<void> {
    await entered(await api.post<Session>('/setup', first, { open: true }));
}

async function entered({ csrf }: Session): Promise<void> {
    const before = session.peek();
    const now = await whoAmI();

    if (!now) throw new Problem(401, t('shell.noCookie'));
    if (before && before.name !== now.name) location.reload(); // what is open is somebody else's
    resume({ ...now, csrf: now.csrf || csrf });
}

export async function signOut(): Promise<void> {
    await api.post('/logout');
    session.value = null;
    location.assign('/admin/');
}

export const setupState = () => api.get<Setup>('/setup');
