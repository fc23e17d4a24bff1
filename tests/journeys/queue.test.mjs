// The day of the visit: webhook (a scan at the desk), visit (the place in the queue), sweeper, his-sync.
import assert from 'node:assert/strict';
import test from 'node:test';
