using Monge.Data;

namespace Monge.Tests.Data;

public sealed class AtomicFileTests
{
    [Fact]
    public void ACommittedFileReplacesTheOldOneAndLeavesNothingElse()
    {
        using var scratch = new Scratch();
        string path = scratch.With("a.txt", "old");
        AtomicFile.WriteText(path, "new ü");
        Assert.Equal("new ü", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(scratch.Directory));
    }

    [Fact]
    public void AFailedWriteKeepsTheOldFileAndRemovesTheTemporary()
    {
        using var scratch = new Scratch();
        string path = scratch.With("a.txt", "old");
        Assert.Throws<InvalidDataException>(() => AtomicFile.Write(path, stream =>
        {
            stream.Write(new byte[100_000]);
            throw new InvalidDataException();
        }));
        Assert.Equal("old", File.ReadAllText(path));
        Assert.Single(Directory.GetFiles(scratch.Directory));
    }

    [Fact]
    public void NothingAppearsBeforeTheCommit()
    {
        using var scratch = new Scratch();
        string path = scratch.File("a.bin");
        using var file = new AtomicFile(path);
        file.Stream.WriteByte(1);
        Assert.False(File.Exists(path));
        file.Commit();
        Assert.Equal([1], File.ReadAllBytes(path));
        Assert.Throws<InvalidOperationException>(file.Commit);
    }

    [Fact]
    public void AMissingDirectoryAndADirectoryAsTargetAreNamed()
    {
        using var scratch = new Scratch();
        string missing = Path.Combine(scratch.Directory, "none", "a.txt");
        Assert.Contains(missing, Assert.Throws<IOException>(() => AtomicFile.WriteText(missing, "")).Message);
        Assert.Contains("is a directory", Assert.Throws<IOException>(() => AtomicFile.WriteText(scratch.Directory, "")).Message);
    }
}
