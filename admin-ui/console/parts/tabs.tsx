// The views of a place, side by side: links, so that each is an address.
import { here } from '../core/router';

export const Tabs = ({ label, of }: { label: string; of: [href: string, text: string][] }) => (
    <nav class="tabs" aria-label={label}>
        {of.map(([href, text]) => (
            <a key={href} href={href} aria-current={here.value.path.replace(/\/$/, '') === href ? 'page' : undefined}>
                {text}
            </a>
        ))}
    </nav>
);
