namespace Monge.Tests.Data;

/// <summary>A directory that is removed at the end of a test.</summary>
internal sealed class Scratch : IDisposable
{
    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("monge-test-").FullName;

    public string File(string name) => Path.Combine(Directory, name);

    public string With(string name, byte[] content)
    {
        System.IO.File.WriteAllBytes(File(name), content);
        return File(name);
    }

    public string With(string name, string content) => With(name, System.Text.Encoding.UTF8.GetBytes(content));

    public void Dispose() => System.IO.Directory.Delete(Directory, recursive: true);
}
