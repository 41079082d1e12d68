import { render } from 'preact';
import { App } from './app/app';
import { applyTheme } from './app/prefs';
import './styles/app.css';

applyTheme();
const root = document.getElementById('app');
if (root) render(<App />, root);
