// What the place's views are fetched as: one file.
export { About } from './about';
export { Alerts } from './alerts';
export { Audit } from './audit';
export { Backups } from './backup';
export { Bans } from './bans';
export { Keys } from './keys';
export { Me } from './me';
export { Sessions } from './sessions';
export { Users } from './users';
