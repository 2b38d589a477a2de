// Asks before something that ends a call. The browser's own dialog keeps the focus within and gives it back.
import { $ } from './dom.js';

// Resolves true when the agent agrees.
export function ask(question, yes) {
    const dialog = $('ask');

    $('ask-text').textContent = question;
    $('ask-yes').textContent = yes;
    dialog.returnValue = '';
    dialog.showModal();
    $('ask-no').focus();
    return new Promise((resolve) => {
        dialog.addEventListener('close', () => resolve(dialog.returnValue === 'yes'), { once: true });
    });
}

export const asking = () => $('ask').open;
