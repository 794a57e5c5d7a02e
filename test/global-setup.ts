import { execFileSync } from 'node:child_process';

/** Over what is there: another run of the tests may be using it. `npm run build` starts afresh. */
export default function setup(): void {
  execFileSync('npm', ['run', '--silent', 'compile'], { stdio: 'inherit' });
}
