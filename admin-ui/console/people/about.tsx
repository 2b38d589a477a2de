// What this box is, and what is inside.
import { session } from '../core/api';
import { live } from '../core/live';
import { t } from '../core/words';
import { Card, Facts } from '../parts/bits';
import { Time } from '../parts/time';
import { Frame } from './frame';

export function About() {
    const status = live.status.value;

    return (
        <Frame role="readonly">
            <Card title="dngate">
                <Facts
                    of={[
                        [t('people.version'), session.value!.version],
                        [t('people.up_since'), status && <Time ms={status.started_ms} />],
                    ]}
                />
                <ul class="links">
                    <li>
                        <a href="/licenses.txt" target="_blank">
                            {t('people.licences')}
                        </a>
                    </li>
                    <li>
                        <a href="/api/admin/v1/openapi.json" target="_blank">
                            {t('people.api')}
                        </a>
                    </li>
                    <li>
                        <a href="/metrics" target="_blank">
                            {t('people.metrics')}
                        </a>
                    </li>
                </ul>
            </Card>
        </Frame>
    );
}
