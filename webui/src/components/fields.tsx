// Fields of forms.
// One item a line or between commas: names of groups may hold blanks.
export function itemsOf(form: FormData, name: string, apart: RegExp): string[] {
  return String(form.get(name))
    .split(apart)
    .map((item) => item.trim())
    .filter(Boolean);
}

export function TextField({ name, label, note, required, first }: { name: string; label: string; note?: string; required?: boolean; first?: boolean }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name={name} autocomplete="off" autocapitalize="none" spellcheck={false} maxLength={256} required={required} autofocus={first} />
      {note && <small class="muted">{note}</small>}
    </label>
  );
}

export function PasswordField({ label, note, required }: { label: string; note?: string; required?: boolean }) {
  return (
    <label class="field">
      <span>{label}</span>
      <input name="password" type="password" autocomplete="new-password" minLength={12} maxLength={1024} required={required} />
      {note && <small class="muted">{note}</small>}
    </label>
  );
}
