import { memoryBackend } from '../support/memory-backend.ts';
import { backendSuite } from './backend-suite.ts';

backendSuite("the tests' own backend in memory", async () => memoryBackend().backend);
